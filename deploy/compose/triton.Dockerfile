# NVIDIA's Triton with what the glue models import.
FROM nvcr.io/nvidia/tritonserver:25.10-py3
# Beside the image's own packages, before which Python finds them.
RUN pip install --no-cache-dir --break-system-packages --ignore-installed \
        numpy==1.26.4 opencv-python-headless==4.11.0.86 \
    && useradd --uid 10001 --user-group --no-create-home marey \
    && install --directory --owner=marey --group=marey /var/lib/marey /var/lib/marey/engines
# Python models import from the backend's folder.
COPY model_repository /opt/tritonserver/backends/python/model_repository
COPY core /opt/tritonserver/backends/python/core
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/marey
USER 10001:10001
CMD ["tritonserver", "--help"]
