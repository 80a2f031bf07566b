"""DestinationRule.trafficPolicy.outlierDetection."""

from mesh.resources.istio.destination_rule import OutlierDetection
from mesh.resources.values.durations import seconds
from mesh.routing.model.cluster import Outlier

# Istio's defaults.
CONSECUTIVE_5XX = 5
INTERVAL, BASE_EJECTION = 10.0, 30.0
MAX_EJECTION_PERCENT = 10


def outlier_of(outlier: OutlierDetection | None) -> Outlier | None:
    """`consecutiveErrors` is the older name of `consecutiveGatewayErrors`; 0 switches a counter off. 5xx answers are
    counted by default only where no gateway errors are."""
    if outlier is None:
        return None
    gateway = outlier.consecutive_gateway_errors
    if gateway is None:
        gateway = outlier.consecutive_errors
    consecutive = outlier.consecutive_5xx_errors
    if consecutive is None and gateway is None:
        consecutive = CONSECUTIVE_5XX
    max_percent = outlier.max_ejection_percent
    return Outlier(
        consecutive_5xx=consecutive or None,
        consecutive_gateway=gateway or None,
        interval=seconds(outlier.interval) if outlier.interval else INTERVAL,
        base_ejection=seconds(outlier.base_ejection_time) if outlier.base_ejection_time else BASE_EJECTION,
        max_ejection_percent=MAX_EJECTION_PERCENT if max_percent is None else max_percent,
        min_health_percent=outlier.min_health_percent,
        split_local_origin=outlier.split_external_local_origin_errors,
        consecutive_local_origin=outlier.consecutive_local_origin_failures,
        error_codes=tuple(outlier.outlier_detection_http_error_codes),
    )
