#!/bin/bash
# Runs once, when the database is made: the role that owns the tables, and the one that owns nothing.
set -euo pipefail
owner_password=$(cat /run/secrets/owner_password)
app_password=$(cat /run/secrets/app_password)
psql -v ON_ERROR_STOP=1 -v owner_password="$owner_password" -v app_password="$app_password" \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE casenet_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE casenet_app LOGIN PASSWORD :'app_password';
CREATE DATABASE casenet OWNER casenet_owner;
REVOKE ALL ON DATABASE casenet FROM PUBLIC;
GRANT CONNECT ON DATABASE casenet TO casenet_app;
SQL
