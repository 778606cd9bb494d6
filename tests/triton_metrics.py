"""What Triton exports, as far as the dashboard and the alerts ask for it."""

TRITON_METRICS = {
    "nv_inference_request_success",
    "nv_inference_request_failure",
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_request_duration_us",
    "nv_inference_queue_duration_us",
}
"""On every machine: a real server is asked for them (tests/integration/test_compose_services.py)."""
TRITON_GPU_METRICS = {"nv_gpu_utilization", "nv_gpu_memory_used_bytes", "nv_gpu_memory_total_bytes"}
"""On a GPU, by Triton's documentation (user guide, "Metrics")."""
