-- What a fresh installation works with: one user of one group of one project, and the pipeline `pose_2d`.

INSERT INTO project (project_name) VALUES ('default');

INSERT INTO pipeline (pipeline_name, pipeline_description, pipeline_endpoint)
VALUES ('pose_2d', 'People and their joints in the picture', 'pose_2d');

INSERT INTO pipeline_parameter_set (pipeline_parameter_set_name) VALUES ('default');

INSERT INTO user_group (project_id, pipeline_parameter_set_id, user_group_name, user_group_description)
SELECT project.id, pipeline_parameter_set.id, 'default', 'Everyone who has no other group'
FROM project, pipeline_parameter_set
WHERE project_name = 'default' AND pipeline_parameter_set_name = 'default';

INSERT INTO "user" (user_name, user_email, group_id)
SELECT 'default', 'default@localhost', id FROM user_group WHERE user_group_name = 'default';
