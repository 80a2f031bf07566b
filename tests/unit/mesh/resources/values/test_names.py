"""Names and labels, by the rules of Kubernetes."""

from mesh.resources.values.names import wrong_host, wrong_labels


def test_names_are_held_against_kubernetes_rules() -> None:
    assert [wrong_host(host) for host in ("*", "*.a.b", "a", "a.b.", "A.b", "10.0.0.1")] == [""] * 6
    assert all(wrong_host(host) for host in ("", "a b", "*a", "a.*", "-a", "a..b", "a/b", "a" * 300))
    assert wrong_labels({"a": "", "example.com/x": "1", "A_b.c": "Y"}) == []
    for key, value in (("", "x"), ("a b", "x"), ("/a", "x"), ("a/b/c", "x"), ("a", "-"), ("a", "x" * 64)):
        assert [wrong for wrong, _ in wrong_labels({key: value})] == [key]
