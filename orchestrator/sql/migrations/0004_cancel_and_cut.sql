-- Jobs that were cancelled, poison runs that are cut in two, and an end to work without progress.

ALTER TABLE job DROP CONSTRAINT job_status_check, ADD CONSTRAINT job_status_check CHECK (status IN
    ('queued', 'running', 'collecting', 'completed', 'completed_with_errors', 'failed', 'cancelled'));

ALTER TABLE video DROP CONSTRAINT video_status_check, ADD CONSTRAINT video_status_check CHECK (status IN
    ('queued', 'inferring', 'collecting', 'completed', 'failed', 'cancelled'));

ALTER TABLE frame_batch DROP CONSTRAINT frame_batch_status_check, ADD CONSTRAINT frame_batch_status_check
    CHECK (status IN ('queued', 'completed', 'failed', 'cancelled'));

ALTER TABLE task DROP CONSTRAINT task_status_check, ADD CONSTRAINT task_status_check CHECK (status IN
    ('ready', 'sent', 'leased', 'done', 'dead', 'cancelled'));

ALTER TABLE task
    -- The run whose second half this was, when it was cut to find the frames that cannot be processed.
    ADD COLUMN cut_from bigint REFERENCES task,
    -- The lease is not renewed beyond this; each committed frame batch moves it on.
    ADD COLUMN progress_until timestamptz;

-- A run that commits no frame batch for so long is taken for hung.
ALTER TABLE project
    ADD COLUMN progress_timeout_s float8 NOT NULL DEFAULT 600 CHECK (progress_timeout_s > 0);
