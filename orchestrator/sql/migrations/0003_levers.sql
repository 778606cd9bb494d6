-- Levers of a project, and indexes that find its work among that of the others.

-- What differs from the defaults of `orchestrator.levers.Levers`; it may be changed at any time.
ALTER TABLE project ADD COLUMN project_levers jsonb NOT NULL DEFAULT '{}'
    CHECK (jsonb_typeof(project_levers) = 'object');

-- A lane is a tier of a project. The relay goes from lane to lane, however much waits in one of them.
DROP INDEX task_ready, task_sent;
CREATE INDEX task_ready ON task ((kind = 'infer'), tier, project_id, id) WHERE status = 'ready';
CREATE INDEX task_sent ON task ((kind = 'infer'), tier, project_id) WHERE status = 'sent';
-- For the figures of the last minutes.
CREATE INDEX task_run_done ON task (finished_at) WHERE status = 'done' AND kind = 'infer';

-- Attempts of a task follow the lever, unless whoever makes the task asks for another number than the usual.
CREATE FUNCTION task_takes_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.max_attempts := coalesce(
        (SELECT (project_levers ->> 'max_attempts')::int FROM project WHERE id = NEW.project_id),
        NEW.max_attempts);
    RETURN NEW;
END $$;
CREATE TRIGGER task_attempts BEFORE INSERT ON task
    FOR EACH ROW WHEN (NEW.max_attempts = 5) EXECUTE FUNCTION task_takes_attempts();
