-- Whether a project may start new work.

-- name: project_quotas
-- What project $1 may have, where it differs from the defaults.
SELECT project_quotas AS quotas FROM project WHERE id = $1;

-- name: refill_bucket
-- The bucket of project $1 gains $2 tokens a second and holds $3. Others wait for it until the transaction ends.
INSERT INTO rate_bucket AS b (project_id, tokens) VALUES ($1, $3)
ON CONFLICT (project_id) DO UPDATE
SET tokens = least($3, b.tokens + $2::float8
                       * greatest(0, extract(epoch FROM clock_timestamp() - b.refilled_at)::float8)),
    refilled_at = clock_timestamp()
RETURNING tokens;

-- name: spend_token
-- Take a token from the bucket of project $1.
UPDATE rate_bucket SET tokens = tokens - 1 WHERE project_id = $1;

-- name: lock_bucket
-- Jobs of project $1 are admitted one after the other.
SELECT project_id FROM rate_bucket WHERE project_id = $1 FOR UPDATE;

-- name: project_usage
-- What the jobs of project $1 that are not over take up.
SELECT count(*) AS open_jobs, coalesce(sum(j.input_bytes), 0)::bigint AS queued_bytes,
       coalesce(sum((SELECT sum(v.frames_total - v.frames_done) FROM video v WHERE v.job_id = j.id)), 0)::bigint
           AS queued_frames
FROM job j
WHERE j.project_id = $1 AND j.finished_at IS NULL;
