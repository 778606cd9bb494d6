-- What a project may have under way at a time, and how fast it may start new work.

-- What differs from the defaults of `orchestrator.admission.Quotas`; it may be changed at any time.
ALTER TABLE project ADD COLUMN project_quotas jsonb NOT NULL DEFAULT '{}'
    CHECK (jsonb_typeof(project_quotas) = 'object');

-- Size of the package, for the quota.
ALTER TABLE job ADD COLUMN input_bytes bigint NOT NULL DEFAULT 0 CHECK (input_bytes >= 0);
CREATE INDEX job_open ON job (project_id) WHERE finished_at IS NULL;

-- A token bucket per project.
CREATE TABLE rate_bucket (
    project_id bigint PRIMARY KEY REFERENCES project ON DELETE CASCADE,
    tokens float8 NOT NULL CHECK (tokens >= 0),
    refilled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE rate_bucket ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_sees_all ON rate_bucket TO CURRENT_USER USING (true);
CREATE POLICY own_project ON rate_bucket TO marey_api USING (project_id = marey_tenant());
GRANT SELECT, INSERT, UPDATE ON rate_bucket TO marey_api;
