#!/bin/sh
# Fetches NVIDIA's perf_analyzer into .perf, without root: the last version that a wheel brings for glibc 2.35, its
# CUDA runtime from another wheel, and Debian's or Ubuntu's libb64, which no wheel has. Run by `make bench-perf`.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "bench-perf: $*" >&2
    exit 1
}

starts() {
    LD_LIBRARY_PATH=.perf/lib .perf/bin/perf_analyzer --help 2>&1 | grep -q concurrency-range
}

starts && exit 0
rm -rf .perf
mkdir -p .perf/lib
# Beside the environment, which has another tritonclient; nothing of it is imported.
.uv/bin/uv pip install --quiet --no-deps --target .perf/wheels tritonclient==2.51.0 nvidia-cuda-runtime-cu12==12.9.79
ln -s wheels/bin .perf/bin
find .perf/wheels -name 'libcudart.so.12' -exec cp {} .perf/lib/ ';'
if ! ldconfig -p 2>/dev/null | grep -q 'libb64\.so\.0d'; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
        fail "perf_analyzer needs libb64.so.0d; install your system's package of libb64"
    (cd .perf && apt-get download libb64-0d >/dev/null 2>&1 && dpkg -x libb64-0d_*.deb libb64) ||
        fail "the package libb64-0d could not be downloaded; \`apt-get update\` may help, or install it"
    find .perf/libb64 -name 'libb64.so.0d*' -exec cp -L {} .perf/lib/ ';'
fi
starts || fail "perf_analyzer does not start: $(LD_LIBRARY_PATH=.perf/lib .perf/bin/perf_analyzer --help 2>&1 | head -1)"
