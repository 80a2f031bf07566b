"""The hash that tells one version of a Deployment's template from another."""

from mesh.pods.controllers.template import same_template, template_hash, with_label


def test_the_hash_of_a_template_depends_on_all_of_it_but_its_own_label() -> None:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "x"}]}}
    other = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "y"}]}}
    assert template_hash(template) == template_hash(dict(reversed(template.items())))
    assert len({template_hash(template), template_hash(other), template_hash(template, 1)}) == 3
    assert same_template(with_label(template, "abc"), template)
    assert not same_template(template, other)
