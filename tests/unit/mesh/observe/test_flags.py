"""Envoy's response flags in words."""

from mesh.observe.flags import FLAGS, in_words


def test_flags_are_words_in_their_order_and_others_are_left_out() -> None:
    assert in_words("UF,URX") == ["the pod could not be reached", "all retries failed"]
    assert in_words("XX,UH") == ["no pod was ready to answer"]
    assert in_words("") == in_words("-") == []
    assert all(in_words(flag) == [text] for flag, text in FLAGS.items())
