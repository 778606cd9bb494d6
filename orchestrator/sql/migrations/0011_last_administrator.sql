-- An installation keeps a key of an administrator: without one nobody could make another. Whatever would end the
-- last one is refused, the removal of its user as well.
CREATE FUNCTION keep_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One after the other: else two could each count on the key that the other ends.
    PERFORM pg_advisory_xact_lock('api_key'::regclass::oid::bigint);
    IF NOT EXISTS (SELECT FROM api_key WHERE role = 'admin' AND revoked_at IS NULL) THEN
        RAISE EXCEPTION 'the last key of an administrator'
            USING ERRCODE = 'check_violation', TABLE = 'api_key', CONSTRAINT = 'last_administrator';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER last_administrator AFTER UPDATE OR DELETE ON api_key
    FOR EACH ROW WHEN (OLD.role = 'admin' AND OLD.revoked_at IS NULL) EXECUTE FUNCTION keep_an_administrator();
