"""Istio's metrics, as Prometheus' own parser reads them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mesh.observe import metrics
from mesh.observe.hops import Ring
from mesh.observe.metrics import Metrics
from mesh.observe.telemetry import Telemetry
from mesh.store import Store
from tests.support.hops import MakeHop, MakeSpan


def samples(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def test_requests_are_counted_by_who_called_whom(span: MakeSpan) -> None:
    counted = Metrics()
    for _ in range(3):
        counted.count(span("mall", "products", branch="fox"))
    counted.count(span("", "", status=503, flags="UH"))
    found = samples(counted.text({}), "istio_requests_total")
    by = {(labels["reporter"], labels["source_workload"]): (labels, value) for labels, value in found}
    labels, value = by["source", "mall-v1"]
    assert value == by["destination", "mall-v1"][1] == 3
    assert labels["destination_service"] == "products.mesh.svc.cluster.local"
    assert (labels["destination_service_name"], labels["destination_service_namespace"]) == ("products", "mesh")
    assert (labels["destination_workload"], labels["destination_version"]) == ("products-v1", "v1")
    assert (labels["source_app"], labels["source_workload_namespace"], labels["branch"]) == ("mall", "mesh", "fox")
    assert labels["source_principal"] == "spiffe://cluster.local/ns/mesh/sa/default"
    failed, _ = by["source", "istio-ingressgateway"]
    assert (failed["response_code"], failed["response_flags"], failed["destination_workload"]) == (
        "503",
        "UH",
        "unknown",
    )
    assert ("destination", "istio-ingressgateway") not in by


def test_durations_and_sizes_are_histograms_with_istio_s_bounds(span: MakeSpan) -> None:
    counted = Metrics()
    for seconds in (0.0004, 0.003, 0.003, 2.0):
        counted.count(span("mall", "stock", duration=seconds, request_bytes=7, response_bytes=2_000_000_000))
    text = counted.text({})
    name = "istio_request_duration_milliseconds"
    buckets = {
        labels["le"]: value for labels, value in samples(text, f"{name}_bucket") if labels["reporter"] == "source"
    }
    assert (buckets["0.5"], buckets["1"], buckets["5"], buckets["2500"], buckets["+Inf"]) == (1, 1, 3, 4, 4)
    assert samples(text, f"{name}_sum")[0][1] == 2006.4
    assert samples(text, f"{name}_count")[0][1] == 4
    assert samples(text, "istio_request_bytes_sum")[0][1] == 28
    assert samples(text, "istio_response_bytes_sum")[0][1] == 8e9


def test_what_names_hold_is_quoted(span: MakeSpan) -> None:
    counted = Metrics()
    counted.count(span("mall", "stock", branch='a"b\\c\nd'))
    ((labels, _), *_) = samples(counted.text({}), "istio_requests_total")
    assert labels["branch"] == 'a"b\\c\nd'


@pytest.mark.slow
def test_the_series_are_bounded_and_the_busy_ones_stay(span: MakeSpan) -> None:
    counted = Metrics()
    for number in range(metrics.MOST_COUNTED + 10):
        counted.count(span("mall", "stock", branch="busy"))
        counted.count(span("mall", "stock", branch=f"b{number}"))
    found = samples(counted.text({}), "istio_requests_total")
    assert len(found) == 2 * metrics.MOST_COUNTED
    busy = [value for labels, value in found if labels["branch"] == "busy"]
    assert busy == [metrics.MOST_COUNTED + 10] * 2


def test_what_was_told_since_the_last_look_is_in_what_is_scraped(store: Store, hop: MakeHop) -> None:
    ring = Ring(10)
    telemetry = Telemetry(store, ring)
    for _ in range(12):
        ring.add(hop("mall", "stock"))
    text = telemetry.text()
    assert samples(text, "istio_requests_total")[0][1] == 10
    assert samples(text, "meshmall_spans_total") == [({}, 12)]
    assert samples(text, "meshmall_spans_lost_total") == [({}, 2)]
    assert samples(text, "process_resident_memory_bytes")[0][1] > 1_000_000
