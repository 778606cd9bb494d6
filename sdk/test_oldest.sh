#!/bin/sh
# The SDK's tests on the oldest Python that it promises, in an environment of their own; without that Python, none.
# Those that compare it with the server's code are left out: the server needs a newer one.
set -eu
cd "$(dirname "$0")/.."
oldest=3.10
python=
for candidate in "python$oldest" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$oldest".*/bin/python; do
    if "$candidate" -c 'import venv' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "There is no Python $oldest here: the SDK was not tested on it."
    exit 0
fi
rm -rf .venv-oldest
.uv/bin/uv venv --quiet --python "$python" .venv-oldest
.uv/bin/uv pip install --quiet --python .venv-oldest/bin/python './sdk[arrow]' hypothesis pytest pytest-asyncio
exec .venv-oldest/bin/python -m pytest --quiet -c /dev/null --rootdir=. --noconftest --import-mode=importlib \
    -o pythonpath=. -o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function -W error \
    -p no:cacheprovider tests/unit/sdk --ignore=tests/unit/sdk/test_sdk_errors.py
