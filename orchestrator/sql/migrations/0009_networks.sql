-- The poses of a video come from one set of networks.

-- SHA-256 of each network's file by its name; null before the first run begins.
ALTER TABLE video ADD COLUMN networks jsonb CHECK (jsonb_typeof(networks) = 'object');
-- How often the video began again because other networks were served.
ALTER TABLE video ADD COLUMN network_changes int NOT NULL DEFAULT 0;
