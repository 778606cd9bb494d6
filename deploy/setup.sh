#!/bin/sh
# Installs the locked environment into .venv, with a uv of its own in .uv. Run by `make setup`.
# Arguments go to `uv sync`: `--inexact --group tensorrt-rtx` adds what builds engines.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $*" >&2
    exit 1
}

# Succeeds when the interpreter $1 can run Marey: 3.11 or 3.12, with the shared library that Triton loads.
runs_marey() {
    "$1" - >/dev/null 2>&1 <<'EOF'
import pathlib, sys, sysconfig
variable = sysconfig.get_config_var
libdir = pathlib.Path(variable("LIBDIR") or "/usr/lib")
folders = [pathlib.Path(sys.base_prefix, "lib"), libdir, libdir / (variable("MULTIARCH") or "")]
library = "libpython%d.%d.so.1.0" % sys.version_info[:2]
found = any((folder / library).exists() for folder in folders)
sys.exit(not ((3, 11) <= sys.version_info < (3, 13) and found))
EOF
}

# Succeeds when the interpreter $1 can at least run uv.
runs_uv() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

first_that() {
    for candidate in python3.12 python3.11 python3 python python3.13 python3.14; do
        if "$1" "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
}

# Without --system-certs uv does not trust a company's own certificate authority.
use_system_certificates() {
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -s "$bundle" ]; then
            UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}
            export UV_SYSTEM_CERTS
            return
        fi
    done
}

install_uv() {
    if .uv/bin/uv --version >/dev/null 2>&1; then
        return
    fi
    rm -rf .uv
    log=$("$1" -m venv .uv 2>&1) || {
        echo "$log" >&2
        rm -rf .uv
        fail "$1 cannot make virtual environments; install its venv package (Debian: apt install python3-venv)"
    }
    .uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<1' ||
        fail "uv could not be installed from the Python registry; see pip's message above"
}

fitting=$(first_that runs_marey)
python=${fitting:-$(first_that runs_uv)}
[ -n "$python" ] ||
    fail "Python >= 3.11 is needed, found $(python3 --version 2>&1 || echo none); install one and try again"
install_uv "$python"
use_system_certificates
if runs_marey .venv/bin/python; then
    .uv/bin/uv sync --locked "$@"
elif [ -n "$fitting" ]; then
    .uv/bin/uv sync --locked --python "$fitting" "$@"
else
    .uv/bin/uv sync --locked --managed-python "$@" ||
        fail "Python 3.11 or 3.12 with its shared library is needed, and uv could not fetch one;" \
            "install one (Debian: apt install python3 python3-venv libpython3-dev) and try again"
fi
