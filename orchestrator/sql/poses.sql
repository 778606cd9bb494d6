-- What the API reads of the poses of a video.

-- name: streamed_video
-- Video $2 of project $1, and the parameters of its job.
SELECT v.id, v.video_name AS name, v.status, v.error_code, v.error_message, v.video_results_path AS results_path,
       v.frames_total, j.job_parameters AS parameters
FROM video v JOIN job j ON j.id = v.job_id
WHERE v.project_id = $1 AND v.id = $2;

-- name: next_batches
-- The next $4 frame batches of video $2 of project $1 from frame $3 on, in order.
SELECT start_frame, stop_frame, status, results_path
FROM frame_batch
WHERE project_id = $1 AND video_id = $2 AND start_frame >= $3
ORDER BY start_frame LIMIT $4;
