-- Every statement that the orchestrator sends. `$n` are its arguments, told in its description.
-- State changes are guarded by the state they expect; a task's by its epoch (the fence).

-- name: job_owner
-- As tenant $1, an administrator if $2: the project of user $3, and project $4 if it is there.
SELECT (SELECT g.project_id FROM "user" u JOIN user_group g ON g.id = u.group_id
        WHERE u.id = $3 AND ($2::boolean OR g.project_id = $1)) AS project_of_user,
       (SELECT p.id FROM project p WHERE p.id = $4 AND ($2::boolean OR p.id = $1)) AS project_id;

-- name: job_defaults
-- What a job of user $2 of project $1 with the pipeline named $3 takes over from the project and from parameter set
-- $4 (null: that of the user's group), which is one of the project's groups unless an administrator ($5) asks.
SELECT u.id AS user_id, g.project_id, p.project_queue AS tier, l.id AS pipeline_id,
       s.id AS pipeline_parameter_set_id, l.pipeline_name,
       (SELECT coalesce(jsonb_object_agg(v.pipeline_parameters_name, v.pipeline_parameters_value), '{}')
        FROM pipeline_parameters v
        WHERE v.pipeline_parameter_set_id = s.id AND v.pipeline_id = l.id) AS parameters,
       p.project_levers AS levers, p.project_cluster_url AS cluster_url
FROM "user" u
JOIN user_group g ON g.id = u.group_id
JOIN project p ON p.id = g.project_id
LEFT JOIN pipeline l ON l.pipeline_name = $3
LEFT JOIN pipeline_parameter_set s ON s.id = coalesce($4, g.pipeline_parameter_set_id)
    AND ($5::boolean OR s.id IN (SELECT o.pipeline_parameter_set_id FROM user_group o WHERE o.project_id = $1))
WHERE p.id = $1 AND u.id = $2;

-- name: job_of_key
-- The job of project $1 that was made with idempotency key $2.
SELECT id, idempotency_digest FROM job WHERE project_id = $1 AND idempotency_key = $2;

-- name: owned_job
-- Job $2, if it is of project $1.
SELECT id FROM job WHERE project_id = $1 AND id = $2;

-- name: owner_of_job
-- Whose job $1 is.
SELECT project_id, user_id, false AS is_admin FROM job WHERE id = $1;

-- name: pipeline_names
-- The pipelines there are.
SELECT pipeline_name AS name FROM pipeline ORDER BY pipeline_name;

-- name: insert_job
-- A job and its first task. $1 user, $2 project, $3 pipeline, $4 parameter set, $5 tier, $6 parameters,
-- $7 input key, $8 size of the input, $9 idempotency key and $10 digest of the request. No row: the project has a
-- job of this key.
WITH made AS (
    INSERT INTO job (user_id, project_id, pipeline_id, pipeline_parameter_set_id, tier, job_parameters, input_key,
                     input_bytes, idempotency_key, idempotency_digest)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (project_id, idempotency_key) DO NOTHING
    RETURNING id, project_id, tier
), first_task AS (
    INSERT INTO task (kind, job_id, project_id, tier) SELECT 'initialize', id, project_id, tier FROM made
)
SELECT id FROM made;

-- name: job_view
-- Job $2 of project $1 as its user sees it.
SELECT j.id, j.user_id, j.project_id, j.status, j.error_code, j.error_message, l.pipeline_name, j.tier, j.input_key,
       j.pipeline_parameter_set_id, j.job_parameters AS parameters, j.created_at, j.started_at, j.finished_at, j.videos_total, j.videos_done
FROM job j JOIN pipeline l ON l.id = j.pipeline_id
WHERE j.project_id = $1 AND j.id = $2;

-- name: job_snapshot
-- Job $2 of project $1 and its videos as its user sees them, both at one moment.
SELECT j.id, j.user_id, j.project_id, j.status, j.error_code, j.error_message, l.pipeline_name, j.tier, j.input_key,
       j.pipeline_parameter_set_id, j.job_parameters AS parameters, j.created_at, j.started_at, j.finished_at, j.videos_total, j.videos_done,
       (SELECT coalesce(jsonb_agg(to_jsonb(shown) ORDER BY shown.id), '[]')
        FROM (SELECT v.id, v.job_id, v.video_name AS name, v.status, v.error_code, v.error_message, v.frames_total,
                     v.frames_done, v.frames_missing, v.video_results_path AS results_path, v.summary,
                     (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                 'first_frame', t.first_frame, 'last_frame', t.last_frame, 'attempts', t.attempts,
                                 'error_code', t.error_code, 'error_message', t.error_message)
                                 ORDER BY t.first_frame), '[]')
                      FROM task t
                      WHERE t.job_id = v.job_id AND t.kind = 'infer' AND t.video_id = v.id
                            AND t.status IN ('done', 'dead') AND t.error_code IS NOT NULL) AS failed_ranges
              FROM video v WHERE v.project_id = $1 AND v.job_id = j.id) AS shown) AS videos
FROM job j JOIN pipeline l ON l.id = j.pipeline_id
WHERE j.project_id = $1 AND j.id = $2;

-- name: pick_ready
-- Tasks to publish, locked: per lane (runs or steps x tier x project) as many as keep $1 unread messages of runs,
-- $2 of other steps, in JetStream, and at most 16 at a time. Runs that wait there or are worked on are no more
-- than the project has partitions ($3: the default). The backlog stays here. (Rows are compared as in the index,
-- and put in its order, because statistics of a queue are always old: with them alone Postgres may choose to read
-- all tasks for each lane.)
WITH RECURSIVE lane AS (
    (SELECT kind = 'infer' AS is_run, tier, project_id FROM task
     WHERE status = 'ready'
     ORDER BY kind = 'infer', tier, project_id LIMIT 1)
    UNION ALL
    SELECT next.is_run, next.tier, next.project_id
    FROM lane CROSS JOIN LATERAL (
        SELECT t.kind = 'infer' AS is_run, t.tier, t.project_id FROM task t
        WHERE t.status = 'ready' AND (t.kind = 'infer', t.tier, t.project_id) > (lane.is_run, lane.tier, lane.project_id)
        ORDER BY t.kind = 'infer', t.tier, t.project_id LIMIT 1
    ) AS next
)
SELECT picked.id, picked.epoch, picked.kind, picked.tier, picked.project_id, picked.frame_count
FROM lane CROSS JOIN LATERAL (
    SELECT t.id, t.epoch, t.kind, t.tier, t.project_id, t.frame_count
    FROM task t
    WHERE t.status = 'ready' AND t.not_before <= now()
          AND (t.kind = 'infer', t.tier, t.project_id) >= (lane.is_run, lane.tier, lane.project_id)
          AND (t.kind = 'infer', t.tier, t.project_id) <= (lane.is_run, lane.tier, lane.project_id)
    ORDER BY t.kind = 'infer', t.tier, t.project_id, t.id
    LIMIT least(16, greatest(0, CASE WHEN NOT lane.is_run THEN $2::bigint ELSE least($1::bigint, (
        SELECT coalesce((p.project_levers ->> 'partitions')::bigint, $3::bigint)
        FROM project p WHERE p.id = lane.project_id
    ) - (
        SELECT count(*) FROM task s
        WHERE s.status = 'leased' AND s.kind = 'infer' AND s.tier = lane.tier
              AND s.project_id = lane.project_id)) END - (
        SELECT count(*) FROM task s
        WHERE s.status = 'sent' AND (s.kind = 'infer') = lane.is_run AND s.tier = lane.tier
              AND s.project_id = lane.project_id)))
    FOR UPDATE OF t SKIP LOCKED
) AS picked;

-- name: waiting_lanes
-- Tiers and projects that have messages which nobody took, of runs if $1, else of other steps.
SELECT lane.tier, lane.project_id, p.project_levers AS levers, p.project_cluster_url AS cluster_url
FROM (SELECT DISTINCT tier, project_id FROM task WHERE status = 'sent' AND (kind = 'infer') = $1) AS lane
JOIN project p ON p.id = lane.project_id;

-- name: tier_figures
-- Per tier and project, and per tier (`project` null): runs that wait or are in flight, and of those that ended in
-- the last $1 seconds how long they had waited and how many frames per second they were.
WITH waiting AS (
    SELECT tier, coalesce(project_id, 0) AS project_id, count(*) AS runs, sum(frame_count) AS frames
    FROM (SELECT tier, project_id, frame_count FROM task WHERE kind = 'infer' AND status = 'ready'
          UNION ALL
          SELECT tier, project_id, frame_count FROM task WHERE kind = 'infer' AND status = 'sent') AS task
    GROUP BY GROUPING SETS ((tier, project_id), (tier))
), in_flight AS (
    SELECT tier, coalesce(project_id, 0) AS project_id, count(*) AS runs
    FROM task WHERE kind = 'infer' AND status = 'leased'
    GROUP BY GROUPING SETS ((tier, project_id), (tier))
), ended AS (
    SELECT tier, coalesce(project_id, 0) AS project_id, sum(frame_count) AS frames,
           percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
               ORDER BY extract(epoch FROM started_at - created_at)) AS dwell_s
    FROM task
    WHERE kind = 'infer' AND status = 'done' AND finished_at > now() - make_interval(secs => $1)
    GROUP BY GROUPING SETS ((tier, project_id), (tier))
)
SELECT tier, p.project_name AS project, coalesce(waiting.runs, 0) AS waiting_runs,
       coalesce(waiting.frames, 0) AS waiting_frames, coalesce(in_flight.runs, 0) AS in_flight_runs,
       dwell_s[1]::float8 AS dwell_p50_s, dwell_s[2]::float8 AS dwell_p99_s,
       (coalesce(ended.frames, 0) / $1)::float8 AS frames_per_s
FROM waiting
FULL JOIN in_flight USING (tier, project_id)
FULL JOIN ended USING (tier, project_id)
LEFT JOIN project p ON p.id = project_id;

-- name: task_counts
-- Tasks that are not over, by kind and state.
SELECT kind, CASE status WHEN 'leased' THEN 'in_flight' WHEN 'dead' THEN 'set_aside' ELSE 'waiting' END AS state,
       count(*) AS count
FROM (SELECT kind, status FROM task WHERE status = 'ready'
      UNION ALL SELECT kind, status FROM task WHERE status = 'sent'
      UNION ALL SELECT kind, status FROM task WHERE status = 'leased'
      UNION ALL SELECT kind, status FROM task WHERE status = 'dead') AS task
GROUP BY 1, 2;

-- name: project_levers
-- Every project with its tier, levers and Triton.
SELECT id, project_name AS name, project_queue AS tier, project_levers AS levers,
       project_cluster_url AS cluster_url
FROM project ORDER BY id;

-- name: lock_project_levers
-- The project named $1, locked.
SELECT id, project_name AS name, project_queue AS tier, project_levers AS levers,
       project_cluster_url AS cluster_url
FROM project WHERE project_name = $1
FOR UPDATE;

-- name: set_project_levers
-- Project $1 has levers $2.
UPDATE project SET project_levers = $2 WHERE id = $1;

-- name: mark_sent
-- The messages of tasks $1 are stored in JetStream, by now.
UPDATE task SET status = 'sent', sent_at = clock_timestamp() WHERE id = ANY($1::bigint[]) AND status = 'ready';

-- name: renumber_ready
-- Tasks $1 need a new message id: JetStream has seen theirs.
UPDATE task SET epoch = epoch + 1 WHERE id = ANY($1::bigint[]) AND status = 'ready';

-- name: lease_task
-- Take task $1 for worker $3, because a message of epoch $2 says so, for as long as the project's lever says,
-- else for $4 seconds. No row: it moved on.
-- The epoch follows the clock (ms), so that none comes twice when the database is restored from a copy.
UPDATE task t
SET status = 'leased', epoch = greatest(t.epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint),
    worker = $3, attempts = t.attempts + 1,
    lease_until = now() + make_interval(secs => coalesce((p.project_levers ->> 'lease_s')::float8, $4)),
    started_at = coalesce(t.started_at, now()),
    progress_until = now() + CASE WHEN t.kind = 'infer' THEN make_interval(secs => p.progress_timeout_s)
                                  ELSE interval '6 hours' END
FROM project p
WHERE t.id = $1 AND t.epoch = $2 AND t.status IN ('ready', 'sent') AND p.id = t.project_id
RETURNING t.id, t.kind, t.job_id, t.video_id, t.tier, t.first_frame, t.last_frame, t.epoch, t.attempts,
          t.max_attempts, extract(epoch FROM now() - t.started_at)::float8 AS age_s,
          coalesce((p.project_levers ->> 'lease_s')::float8, $4) AS lease_s, p.project_cluster_url AS cluster_url,
          t.is_suspect;

-- name: renew_lease
-- Keep task $1, held with epoch $2, for $3 more seconds, unless it has made no progress for too long.
UPDATE task SET lease_until = now() + make_interval(secs => $3)
WHERE id = $1 AND epoch = $2 AND status = 'leased' AND progress_until > now();

-- name: release_task
-- Hand task $1, held with epoch $2, back for another try in $3 seconds, because of $5 (code) $6 (message);
-- $4 attempts are given back with it. If $7, it may have ended Triton.
UPDATE task
SET status = 'ready', worker = NULL, lease_until = NULL, not_before = now() + make_interval(secs => $3),
    attempts = greatest(0, attempts - $4), error_code = $5, error_message = $6, is_suspect = is_suspect OR $7
WHERE id = $1 AND epoch = $2 AND status = 'leased';

-- name: end_task
-- Task $1, held with epoch $2, is over: $3 is 'done' or 'dead', $4 and $5 its error's code and message.
UPDATE task
SET status = $3, worker = NULL, lease_until = NULL, finished_at = now(), error_code = $4, error_message = $5
WHERE id = $1 AND epoch = $2 AND status = 'leased';

-- name: job_source
-- What the initialize step of job $1 works on; the job counts as running from here.
UPDATE job SET status = CASE status WHEN 'queued' THEN 'running' ELSE status END,
               started_at = coalesce(started_at, now())
WHERE id = $1
RETURNING id, input_key;

-- name: insert_videos
-- The entries of job $1's package: names $2, object keys $3, and for the refused ones codes $4 and messages $5.
WITH entry AS (
    SELECT nextval(pg_get_serial_sequence('video', 'id')) AS id, e.*
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS e (name, path, code, message)
), made AS (
    INSERT INTO video (id, job_id, video_name, video_path, video_results_path, status, error_code, error_message)
    SELECT id, $1, name, path, format('jobs/%s/videos/%s/', $1::bigint, id),
           CASE WHEN code IS NULL THEN 'queued' ELSE 'failed' END, code, message
    FROM entry
    RETURNING id, status
), submits AS (
    INSERT INTO task (kind, job_id, video_id, project_id, tier)
    SELECT 'submit', j.id, m.id, j.project_id, j.tier
    FROM made m JOIN job j ON j.id = $1
    WHERE m.status = 'queued'
    ORDER BY m.id
)
UPDATE job
SET videos_total = (SELECT count(*) FROM made),
    videos_done = (SELECT count(*) FROM made WHERE status = 'failed')
WHERE id = $1;

-- name: video_source
-- What the steps of video $1 work on.
SELECT v.id, v.job_id, v.video_name AS name, v.video_path AS path, v.video_results_path AS results_path,
       v.frames_total, v.networks, v.network_changes, j.job_parameters AS parameters
FROM video v JOIN job j ON j.id = v.job_id
WHERE v.id = $1;

-- name: claim_video
-- The networks that video $1 is inferred with: $2, if no run of it has begun yet.
UPDATE video SET networks = coalesce(networks, $2) WHERE id = $1 RETURNING networks;

-- name: lock_runs
-- The runs of video $2 of job $1, locked before anything else of it, as everyone does who commits.
SELECT id, epoch, status FROM task WHERE job_id = $1 AND kind = 'infer' AND video_id = $2 ORDER BY id FOR UPDATE;

-- name: restart_video
-- Video $1, whose runs are locked, is inferred with networks $2: its frame batches wait for their poses again.
WITH old AS (
    SELECT count(*) AS batches, coalesce(sum(stop_frame - start_frame), 0) AS frames,
           coalesce(sum(stop_frame - start_frame - frames_decoded), 0) AS missing
    FROM frame_batch WHERE video_id = $1 AND status = 'completed'
), reopened AS (
    UPDATE frame_batch SET status = 'queued', results_path = NULL, frames_decoded = 0, people = 0
    WHERE video_id = $1 AND status = 'completed'
)
UPDATE video v
SET networks = $2, network_changes = v.network_changes + 1, batches_done = v.batches_done - old.batches,
    frames_done = v.frames_done - old.frames, frames_missing = v.frames_missing - old.missing
FROM old
WHERE v.id = $1 AND v.status = 'inferring';

-- name: restart_runs
-- The runs of video $2 of job $1 that have frame batches to do, or that somebody works on, are ready again, with all
-- their attempts. Whoever holds one loses it.
UPDATE task t
SET status = 'ready', epoch = t.epoch + 1, worker = NULL, lease_until = NULL, attempts = 0, not_before = now(),
    started_at = NULL, finished_at = NULL, error_code = NULL, error_message = NULL
WHERE t.job_id = $1 AND t.kind = 'infer' AND t.video_id = $2
      AND (t.status = 'leased' OR t.status = 'done' AND EXISTS (
               SELECT FROM frame_batch b WHERE b.run_id = t.id AND b.status = 'queued'));

-- name: insert_runs
-- Runs of video $1 (first frames $2, last frames $3) and their frame batches (starts $4, stops $5, and the
-- first frame of the run of each, $6); $7 is the video's number of frames.
WITH run AS (
    INSERT INTO task (kind, job_id, video_id, project_id, tier, first_frame, last_frame, frame_count)
    SELECT 'infer', j.id, v.id, j.project_id, j.tier, r.first, r.last, r.last - r.first + 1
    FROM unnest($2::int[], $3::int[]) AS r (first, last)
    JOIN video v ON v.id = $1
    JOIN job j ON j.id = v.job_id
    ORDER BY r.first
    RETURNING id, first_frame
), batch AS (
    INSERT INTO frame_batch (video_id, run_id, start_frame, stop_frame)
    SELECT $1, run.id, b.start, b.stop
    FROM unnest($4::int[], $5::int[], $6::int[]) AS b (start, stop, first)
    JOIN run ON run.first_frame = b.first
    RETURNING id
)
UPDATE video SET status = 'inferring', frames_total = $7, batches_total = (SELECT count(*) FROM batch)
WHERE id = $1 AND status = 'queued';

-- name: open_batches
-- The frame batches of run $1 that are not committed, in order.
SELECT id, start_frame, stop_frame FROM frame_batch
WHERE run_id = $1 AND status = 'queued'
ORDER BY start_frame;

-- name: commit_batches
-- Frame batches $5 of run $1, held with epoch $2, are in object $4 with $6 decoded frames and $7 people each. The
-- lease is extended by $3 seconds; the last batch of the video makes its collection task. `is_held` false:
-- another worker has the run and nothing was changed; `is_new` false: one of them was committed before, so none
-- is, because the object holds the frames of all.
WITH held AS (
    UPDATE task t
    SET lease_until = now() + make_interval(secs => $3),
        progress_until = now() + make_interval(secs => p.progress_timeout_s)
    FROM project p
    WHERE t.id = $1 AND t.epoch = $2 AND t.status = 'leased' AND p.id = t.project_id
    RETURNING t.id, t.job_id, t.project_id, t.tier
), batch AS (
    UPDATE frame_batch b SET status = 'completed', results_path = $4, frames_decoded = g.decoded, people = g.people
    FROM held, unnest($5::bigint[], $6::int[], $7::int[]) AS g (id, decoded, people)
    WHERE b.id = g.id AND b.run_id = held.id AND b.status = 'queued'
          AND cardinality($5) = (SELECT count(*) FROM frame_batch o
                                 WHERE o.id = ANY($5) AND o.run_id = $1 AND o.status = 'queued')
    RETURNING b.video_id, b.stop_frame - b.start_frame AS frames, b.frames_decoded
), total AS (
    SELECT video_id, count(*) AS batches, sum(frames) AS frames, sum(frames - frames_decoded) AS missing
    FROM batch GROUP BY video_id
), counted AS (
    UPDATE video v
    SET batches_done = v.batches_done + total.batches, frames_done = v.frames_done + total.frames,
        frames_missing = v.frames_missing + total.missing,
        status = CASE WHEN v.batches_done + total.batches = v.batches_total THEN 'collecting' ELSE v.status END
    FROM total
    WHERE v.id = total.video_id
    RETURNING v.id, v.status
), collection AS (
    INSERT INTO task (kind, job_id, video_id, project_id, tier)
    SELECT 'collect_video', held.job_id, counted.id, held.project_id, held.tier
    FROM held, counted
    WHERE counted.status = 'collecting'
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM held) AS is_held, EXISTS (SELECT FROM batch) AS is_new;

-- name: end_run
-- Run $1, held with epoch $2, is over: all its frame batches are. One that is not, because the database was
-- restored from a copy meanwhile, stays with its lease, which ends.
UPDATE task
SET status = 'done', worker = NULL, lease_until = NULL, finished_at = now(), error_code = NULL,
    error_message = NULL
WHERE id = $1 AND epoch = $2 AND status = 'leased'
      AND NOT EXISTS (SELECT FROM frame_batch b WHERE b.run_id = $1 AND b.status = 'queued');

-- name: count_cuts
-- How often runs of video $2 of job $1 were cut in two.
SELECT count(*) AS count FROM task
WHERE job_id = $1 AND kind = 'infer' AND video_id = $2 AND cut_from IS NOT NULL;

-- name: cut_run
-- Run $1, held with epoch $2, keeps its open frames from $3 on; those from $4 to $5 become a run of their own,
-- and the frame batch across $4, if there is one, two frame batches. Each may be tried $6 times.
WITH first_half AS (
    UPDATE task
    SET first_frame = $3, last_frame = $4 - 1, frame_count = $4 - $3, status = 'ready', epoch = epoch + 1,
        worker = NULL, lease_until = NULL, attempts = 0, max_attempts = $6, not_before = now(),
        started_at = NULL, error_code = NULL, error_message = NULL
    WHERE id = $1 AND epoch = $2 AND status = 'leased'
    RETURNING id, job_id, video_id, project_id, tier, is_suspect
), second_half AS (
    INSERT INTO task (kind, job_id, video_id, project_id, tier, first_frame, last_frame, frame_count,
                      max_attempts, is_suspect, cut_from)
    SELECT 'infer', job_id, video_id, project_id, tier, $4, $5, $5 - $4 + 1, $6, is_suspect, id FROM first_half
    RETURNING id, video_id
), moved AS (
    UPDATE frame_batch b SET run_id = h.id
    FROM second_half h
    WHERE b.run_id = $1 AND b.status = 'queued' AND b.start_frame >= $4
), shortened AS (
    UPDATE frame_batch b SET stop_frame = $4
    FROM second_half h, frame_batch whole
    WHERE b.run_id = $1 AND b.status = 'queued' AND b.start_frame < $4 AND b.stop_frame > $4 AND whole.id = b.id
    RETURNING h.id AS run_id, h.video_id, whole.stop_frame
), added AS (
    INSERT INTO frame_batch (video_id, run_id, start_frame, stop_frame)
    SELECT video_id, run_id, $4, stop_frame FROM shortened
    RETURNING video_id
), counted AS (
    UPDATE video v SET batches_total = v.batches_total + 1 FROM added WHERE v.id = added.video_id
)
SELECT id FROM first_half;

-- name: count_other_runs
-- How many runs of video $2 of job $1, apart from $3, had an error of $4 (codes) last.
SELECT count(*) AS count FROM task
WHERE job_id = $1 AND kind = 'infer' AND video_id = $2 AND id <> $3 AND error_code = ANY($4::text[]);

-- name: set_aside_runs
-- The runs of video $2 of job $1 that wait are set aside, because of $3 (code) $4 (message). If they are ever tried,
-- then alone.
UPDATE task
SET status = 'dead', epoch = epoch + 1, finished_at = now(), error_code = $3, error_message = $4, is_suspect = true
WHERE job_id = $1 AND kind = 'infer' AND video_id = $2 AND status IN ('ready', 'sent');

-- name: fail_open_batches
-- The frame batches of video $1 that are not committed and whose run is over never will be. They are what is left
-- of their run.
WITH failed AS (
    UPDATE frame_batch b SET status = 'failed'
    FROM task t
    WHERE b.video_id = $1 AND b.status = 'queued' AND t.id = b.run_id AND t.status IN ('done', 'dead')
    RETURNING b.video_id, b.run_id, b.start_frame, b.stop_frame
), narrowed AS (
    UPDATE task t SET first_frame = f.start, last_frame = f.stop - 1, frame_count = f.stop - f.start
    FROM (SELECT run_id, min(start_frame) AS start, max(stop_frame) AS stop FROM failed GROUP BY run_id) AS f
    WHERE t.id = f.run_id
), lost AS (
    SELECT video_id, count(*) AS batches, sum(stop_frame - start_frame) AS frames FROM failed GROUP BY video_id
)
UPDATE video v
SET batches_done = v.batches_done + lost.batches, frames_done = v.frames_done + lost.frames,
    frames_missing = v.frames_missing + lost.frames
FROM lost
WHERE v.id = lost.video_id;

-- name: collect_finished_videos
-- A collection task for video $1, or for any video if null, whose frame batches are all over.
WITH finished AS (
    UPDATE video SET status = 'collecting'
    WHERE status = 'inferring' AND batches_done = batches_total AND ($1::bigint IS NULL OR id = $1)
    RETURNING id, job_id
)
INSERT INTO task (kind, job_id, video_id, project_id, tier)
SELECT 'collect_video', j.id, f.id, j.project_id, j.tier
FROM finished f JOIN job j ON j.id = f.job_id
ON CONFLICT DO NOTHING;

-- name: pose_files
-- The objects with the committed frame batches of video $1, in order.
SELECT min(start_frame) AS start_frame, max(stop_frame) AS stop_frame, results_path
FROM frame_batch
WHERE video_id = $1 AND status = 'completed'
GROUP BY results_path
ORDER BY 1;

-- name: failed_ranges
-- The runs of video $1 that ended with an error, in order.
SELECT t.first_frame, t.last_frame, t.attempts, t.error_code, t.error_message
FROM video v JOIN task t ON t.job_id = v.job_id AND t.kind = 'infer' AND t.video_id = v.id
WHERE v.id = $1 AND t.status IN ('done', 'dead') AND t.error_code IS NOT NULL
ORDER BY t.first_frame;

-- name: end_video
-- Video $1 is over: status $2, error code $3 and message $4, summary $5. Its job counts it once.
WITH ended AS (
    UPDATE video SET status = $2, error_code = $3, error_message = $4, summary = $5
    WHERE id = $1 AND status NOT IN ('completed', 'failed', 'cancelled')
    RETURNING job_id
)
UPDATE job SET videos_done = videos_done + 1 FROM ended WHERE job.id = ended.job_id;

-- name: collect_finished_jobs
-- A collection task for job $1, or for any job if null, whose videos are all over.
WITH finished AS (
    UPDATE job SET status = 'collecting'
    WHERE status = 'running' AND videos_total > 0 AND videos_done = videos_total
          AND ($1::bigint IS NULL OR id = $1)
    RETURNING id, project_id, tier
)
INSERT INTO task (kind, job_id, project_id, tier)
SELECT 'collect_job', id, project_id, tier FROM finished
ON CONFLICT DO NOTHING;

-- name: end_job
-- Job $1 is over: status $2, error code $3 and message $4.
UPDATE job SET status = $2, error_code = $3, error_message = $4, finished_at = now()
WHERE id = $1 AND finished_at IS NULL;

-- name: cancel_tasks
-- The tasks of job $1 that are not over shall not be worked on any more; their holders lose their leases.
UPDATE task
SET status = 'cancelled', epoch = epoch + 1, worker = NULL, lease_until = NULL, finished_at = now()
WHERE job_id = $1 AND status IN ('ready', 'sent', 'leased');

-- name: cancel_batches
-- The frame batches of job $1 that wait are not waited for any more.
UPDATE frame_batch b SET status = 'cancelled'
FROM video v
WHERE v.job_id = $1 AND b.video_id = v.id AND b.status = 'queued';

-- name: cancel_videos
-- The videos of job $1 that are not over are cancelled.
UPDATE video SET status = 'cancelled' WHERE job_id = $1 AND status NOT IN ('completed', 'failed', 'cancelled');

-- name: cancel_job
-- Job $1 is cancelled, if it is not over.
UPDATE job SET status = 'cancelled', finished_at = now() WHERE id = $1 AND finished_at IS NULL;

-- name: reopen_job
-- Job $1 runs again, if it is over and has tasks that were set aside.
UPDATE job SET status = 'running', finished_at = NULL, error_code = NULL, error_message = NULL
WHERE id = $1 AND status IN ('failed', 'completed_with_errors')
      AND EXISTS (SELECT FROM task WHERE job_id = $1 AND status = 'dead');

-- name: reopen_batches
-- The frame batches of job $1 whose run was set aside wait for their poses again, and their videos with them.
WITH reopened AS (
    UPDATE frame_batch b SET status = 'queued'
    FROM task t
    WHERE t.job_id = $1 AND t.kind = 'infer' AND t.status = 'dead' AND b.run_id = t.id AND b.status = 'failed'
    RETURNING b.video_id, b.stop_frame - b.start_frame AS frames
), found AS (
    SELECT video_id, count(*) AS batches, sum(frames) AS frames FROM reopened GROUP BY video_id
)
UPDATE video v
SET status = 'inferring', error_code = NULL, error_message = NULL, summary = NULL, network_changes = 0,
    batches_done = v.batches_done - found.batches, frames_done = v.frames_done - found.frames,
    frames_missing = v.frames_missing - found.frames
FROM found
WHERE v.id = found.video_id;

-- name: drop_collections
-- What job $1 collects again is made due by what it collects.
DELETE FROM task t
WHERE t.job_id = $1
      AND (t.kind = 'collect_job' OR t.kind = 'collect_video' AND EXISTS (
               SELECT FROM video v WHERE v.id = t.video_id AND v.status = 'inferring'));

-- name: reopen_videos
-- The videos of job $1 whose other steps were set aside are where these steps find them.
UPDATE video v
SET status = CASE t.kind WHEN 'submit' THEN 'queued' ELSE 'collecting' END, error_code = NULL,
    error_message = NULL, summary = NULL
FROM task t
WHERE t.job_id = $1 AND t.kind IN ('submit', 'collect_video') AND t.status = 'dead' AND v.id = t.video_id;

-- name: revive_tasks
-- The tasks of job $1 that were set aside are ready again, with all their attempts. What was said of them is
-- forgotten, because runs that ended Triton are counted by it; suspects they stay.
UPDATE task
SET status = 'ready', epoch = epoch + 1, attempts = 0, not_before = now(), started_at = NULL, finished_at = NULL,
    error_code = NULL, error_message = NULL
WHERE job_id = $1 AND status = 'dead';

-- name: expire_leases
-- Tasks whose worker fell silent are ready again, if they may be tried again.
UPDATE task
SET status = 'ready', epoch = epoch + 1, worker = NULL, lease_until = NULL, not_before = now()
WHERE status = 'leased' AND lease_until < now() AND attempts < max_attempts;

-- name: exhausted_leases
-- Tasks whose worker fell silent in their last attempt.
SELECT id, kind, job_id, video_id, tier, first_frame, last_frame, epoch, attempts, max_attempts,
       extract(epoch FROM now() - started_at)::float8 AS age_s, 0::float8 AS lease_s, is_suspect
FROM task
WHERE status = 'leased' AND lease_until < now() AND attempts >= max_attempts;

-- name: silent_lanes
-- Lanes with tasks whose message was sent over $1 seconds ago and taken by nobody; `kind` is one of the lane's.
SELECT min(kind) AS kind, tier, project_id FROM task
WHERE status = 'sent' AND sent_at <= now() - make_interval(secs => $1)
GROUP BY kind = 'infer', tier, project_id;

-- name: lane_has_open_tasks
-- Whether any task of the lane $1 (runs or not), $2 (tier), $3 (project) is not over. (One look per index.)
SELECT EXISTS (SELECT FROM task WHERE status = 'ready' AND (kind = 'infer') = $1 AND tier = $2 AND project_id = $3)
    OR EXISTS (SELECT FROM task WHERE status = 'sent' AND (kind = 'infer') = $1 AND tier = $2 AND project_id = $3)
    OR EXISTS (SELECT FROM task WHERE status = 'leased' AND (kind = 'infer') = $1 AND tier = $2 AND project_id = $3)
    AS has_open_tasks;

-- name: requeue_lost
-- Tasks of the lane $1 (runs or not), $2 (tier), $3 (project) whose message was sent over $5 seconds before $4,
-- or before now if that is null, and taken by nobody are ready again, under a new epoch.
UPDATE task SET status = 'ready', epoch = epoch + 1
WHERE status = 'sent' AND (kind = 'infer') = $1 AND tier = $2 AND project_id = $3
      AND sent_at <= coalesce($4::timestamptz, now()) - make_interval(secs => $5);

-- name: lock_miscounted_videos
-- Videos under inference whose counters differ from their rows, locked.
SELECT v.id FROM video v
WHERE v.status = 'inferring' AND v.batches_done <>
      (SELECT count(*) FROM frame_batch b WHERE b.video_id = v.id AND b.status <> 'queued')
FOR UPDATE;

-- name: recount_videos
-- Set the counters of videos $1 (locked) from their rows.
UPDATE video v
SET batches_done = c.batches, frames_done = c.frames, frames_missing = c.missing
FROM (
    SELECT video_id, count(*) AS batches, sum(stop_frame - start_frame) AS frames,
           sum(stop_frame - start_frame - frames_decoded) AS missing
    FROM frame_batch
    WHERE video_id = ANY($1::bigint[]) AND status <> 'queued'
    GROUP BY video_id
) AS c
WHERE v.id = c.video_id;

-- name: lock_miscounted_jobs
-- Running jobs whose counter differs from their videos, locked.
SELECT j.id FROM job j
WHERE j.status = 'running' AND j.videos_total > 0 AND j.videos_done <>
      (SELECT count(*) FROM video v WHERE v.job_id = j.id AND v.status IN ('completed', 'failed'))
FOR UPDATE;

-- name: recount_jobs
-- Set the counters of jobs $1 (locked) from their videos.
UPDATE job j
SET videos_done = (SELECT count(*) FROM video v WHERE v.job_id = j.id AND v.status IN ('completed', 'failed'))
WHERE j.id = ANY($1::bigint[]);
