-- Whether a project may start new work.

-- name: project_quotas
-- What project $1 may have, where it differs from the defaults.
SELECT project_quotas AS quotas FROM project WHERE id = $1;

-- name: spend_token
-- Take a token from the bucket of project $1, which gains tokens and holds as many as the project's quotas say,
-- else $2 a second and $3. No row: there is no whole token.
WITH quota AS (
    SELECT coalesce((project_quotas ->> 'starts_per_s')::float8, $2::float8) AS per_s,
           coalesce((project_quotas ->> 'starts_burst')::float8, $3::float8) AS burst
    FROM project WHERE id = $1
)
INSERT INTO rate_bucket AS b (project_id, tokens) SELECT $1, burst - 1 FROM quota
ON CONFLICT (project_id) DO UPDATE
SET tokens = least(excluded.tokens, b.tokens - 1 + (SELECT per_s FROM quota)
                   * greatest(0, extract(epoch FROM clock_timestamp() - b.refilled_at)::float8)),
    refilled_at = clock_timestamp()
WHERE b.tokens + (SELECT per_s FROM quota)
      * greatest(0, extract(epoch FROM clock_timestamp() - b.refilled_at)::float8) >= 1
RETURNING tokens;

-- name: bucket_tokens
-- What the bucket of project $1 holds by now, at $2 tokens a second.
SELECT tokens + $2::float8 * greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)::float8) AS tokens
FROM rate_bucket WHERE project_id = $1;

-- name: lock_quotas
-- What project $1 may have, where it differs from the defaults; its jobs are admitted one after the other.
SELECT p.project_quotas AS quotas,
       (SELECT b.project_id FROM rate_bucket b WHERE b.project_id = p.id FOR UPDATE) AS locked
FROM project p WHERE p.id = $1;

-- name: project_usage
-- What the jobs of project $1 that are not over take up.
SELECT count(*) AS open_jobs, coalesce(sum(j.input_bytes), 0)::bigint AS queued_bytes,
       coalesce(sum((SELECT sum(v.frames_total - v.frames_done) FROM video v WHERE v.job_id = j.id)), 0)::bigint
           AS queued_frames
FROM job j
WHERE j.project_id = $1 AND j.finished_at IS NULL;
