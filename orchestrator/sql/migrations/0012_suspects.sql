-- Runs that may have ended Triton are tried alone.

-- Triton ended while it worked on frames of this run, among others.
ALTER TABLE task ADD COLUMN is_suspect boolean NOT NULL DEFAULT false;
-- One of them at a time, so that none is blamed for another.
CREATE UNIQUE INDEX task_one_suspect ON task (is_suspect) WHERE is_suspect AND status = 'leased';
