"""The service's metrics for Prometheus, besides BentoML's own, at `/metrics`.

None of them differs from letter to letter: whoever asked often enough could read what is spelled.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

STAGE_SECONDS: Final = Histogram(
    "fingerspell_stage_seconds",
    "Time in a stage: decode (a mask), wait (longest of a batch), inference (a batch), both also as trail_wait and "
    "trail_inference, answer (a frame of a stream), words (of one request)",
    ["stage"],
    buckets=SECONDS,
)
BATCH_SIZE: Final = Histogram(
    "fingerspell_batch_size", "Masks or trails of one inference", ["network"], buckets=(1, 2, 4, 8, 16, 32)
)
"""The label `network` of a metric is `letters` or `trail`."""
WAITING: Final = Gauge(
    "fingerspell_waiting_masks", "Masks or trails that wait for their network", ["network"], multiprocess_mode="livesum"
)
OPEN_STREAMS: Final = Gauge("fingerspell_open_streams", "Open streams", multiprocess_mode="livesum")
DROPPED: Final = Counter("fingerspell_dropped_frames", "Frames of streams that a newer one overtook")
UNKNOWN: Final = Counter("fingerspell_unknown", "Masks without a letter above the threshold")
REFUSED: Final = Counter("fingerspell_refused", "Requests, streams and messages that were refused", ["status"])
MODEL: Final = Gauge(
    "fingerspell_model", "1 for a model in use", ["network", "version", "architecture"], multiprocess_mode="livemax"
)
CHECK_FAILING_SINCE: Final = Gauge(
    "fingerspell_model_check_failing_since_seconds",
    "When the checks for another model began to fail, since 1970; 0 while they succeed",
    ["network"],
    multiprocess_mode="livemax",
)
