# What builds TensorRT engines, once per change: NVIDIA's TensorRT image and this version's networks.
# The same release as in triton.Dockerfile: a plan runs only with the version of TensorRT that made it.
FROM nvcr.io/nvidia/tensorrt:25.10-py3
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir --break-system-packages uv==0.13.9 \
    && useradd --uid 10001 --user-group --no-create-home marey \
    && install --directory --owner=marey --group=marey /var/lib/marey /var/lib/marey/engines
WORKDIR /opt/marey
COPY . .
# TensorRT is the image's own, so its packages stay visible.
RUN uv venv --system-site-packages --python /usr/bin/python3 \
    && uv sync --locked --no-default-groups --group export --no-cache
ENV PATH=/opt/marey/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/marey
USER 10001:10001
CMD ["marey", "models", "engines", "--help"]
