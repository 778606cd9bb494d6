-- Statements about tenants and their keys.

-- name: enter_tenant
-- From here to the end of the transaction: tenant $1, an administrator if $2.
SELECT set_config('marey.tenant', $1::bigint::text, true), set_config('marey.admin', $2::boolean::text, true);

-- name: key_owner
-- Whose key $1 is, unless it was revoked.
SELECT digest, role, user_id, project_id FROM key_owner($1);

-- name: revoke_key
-- Key number $3 does not open anything any more; $1 tenant, $2 whether an administrator.
UPDATE api_key AS t SET revoked_at = coalesce(t.revoked_at, now())
WHERE t.id = $3 AND ($2::boolean OR t.user_id IN (
    SELECT u.id FROM "user" u JOIN user_group g ON g.id = u.group_id WHERE g.project_id = $1::bigint));

-- name: keep_key
-- The installation's first user has the key named $1, a key of role $2 with id $3 and digest $4, from now on if
-- not before.
INSERT INTO api_key (user_id, api_key_name, role, key_id, digest)
SELECT min(id), $1, $2, $3, $4 FROM "user"
ON CONFLICT (key_id) DO UPDATE SET digest = excluded.digest;

-- name: ping
-- Postgres answers.
SELECT true AS answers;
