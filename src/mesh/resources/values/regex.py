"""Regular expressions as Envoy accepts them: RE2's syntax, checked without RE2 itself."""

import re

LONGEST = 1024
_LITERAL = re.compile(r"[^\\\[\](){}*+?|]+")
_REPEAT = re.compile(r"\{(\d+)(,(\d*))?\}")
_FLAGS = re.compile(r"\(\?[imsU]*(-[imsU]+)?(:|\))")
_NAMED = re.compile(r"\(\?P?<[A-Za-z_]\w*>")
_MOST_REPEATED = 1000


def wrong_regex(text: str) -> str:
    """Why Envoy would refuse this expression; "" when there is no known reason.

    Finds what other engines support (look-around, back references, possessive repetition) and what is not closed.
    Envoy has the last word.
    """
    if len(text) > LONGEST:
        return f"{len(text)} characters; at most {LONGEST}"
    opened, at, repeatable = 0, 0, False
    # How often the innermost part of each open group is repeated, and of the part just read: RE2 counts nested
    # repetitions together.
    groups, last = [1], 1
    while at < len(text):
        if literal := _LITERAL.match(text, at):
            at, repeatable, last = literal.end(), True, 1
            continue
        sign = text[at]
        if sign in "*+?" or (sign == "{" and _REPEAT.match(text, at)):
            end, wrong = _repetition(text, at, repeatable)
            if wrong:
                return wrong
            last *= _times(text, at)
            if last > _MOST_REPEATED:
                return f'"{text[at:end]}" makes {last} repetitions of what it repeats; at most {_MOST_REPEATED}'
            groups[-1] = max(groups[-1], last)
            at, repeatable = end, False
            continue
        if sign == "\\":
            end, wrong = _escape(text, at)
        elif sign == "[":
            end, wrong = _class(text, at)
        elif sign == "(":
            end, wrong = _group(text, at)
            opened += not wrong and text[end - 1] != ")"
        elif sign == ")":
            opened -= 1
            end, wrong = at + 1, '")" closes nothing' if opened < 0 else ""
        else:
            end, wrong = at + 1, ""
        if wrong:
            return wrong
        last = 1
        if sign == "(" and text[end - 1] != ")":
            groups.append(1)
        elif sign == ")":
            last = groups.pop()
            groups[-1] = max(groups[-1], last)
        at, repeatable = end, sign not in "(|"
    return '"(" is not closed' if opened else ""


def _repetition(text: str, at: int, repeatable: bool) -> tuple[int, str]:
    counted = _REPEAT.match(text, at)
    end = counted.end() if counted else at + 1
    if not repeatable:
        return end, f'"{text[at:end]}" repeats nothing (".*" matches any text)'
    if counted:
        least, most = int(counted[1]), int(counted[3] or counted[1])
        if max(least, most) > _MOST_REPEATED or least > most:
            return end, f'"{counted[0]}" is not a repetition (at most {_MOST_REPEATED} times)'
    return end + text.startswith("?", end), ""


def _times(text: str, at: int) -> int:
    """The largest number of times that a counted repetition repeats; 1 of the others, which RE2 does not count."""
    counted = _REPEAT.match(text, at)
    return max(1, int(counted[1]), int(counted[3] or 0)) if counted else 1


def _escape(text: str, at: int) -> tuple[int, str]:
    following = text[at + 1 : at + 2]
    if not following:
        return at + 1, 'ends in "\\"'
    if following in "123456789k":
        return at + 2, f'"\\{following}" is a back reference, which RE2 does not have'
    if following == "Q":
        end = text.find("\\E", at + 2)
        return (len(text) if end < 0 else end + 2), ""
    return at + 2, ""


def _class(text: str, at: int) -> tuple[int, str]:
    """From `[` to behind the `]` that closes it; a `]` in first place is a member."""
    end = at + 1
    end += text.startswith("^", end)
    end += text.startswith("]", end)
    while end < len(text):
        if text[end] == "]":
            return end + 1, ""
        if text[end] == "\\":
            end += 2
        elif text.startswith("[:", end) and ":]" in text[end + 2 :]:
            end = text.index(":]", end + 2) + 2
        else:
            end += 1
    return end, '"[" is not closed'


def _group(text: str, at: int) -> tuple[int, str]:
    if not text.startswith("(?", at):
        return at + 1, ""
    for sign in ("(?=", "(?!", "(?<=", "(?<!"):
        if text.startswith(sign, at):
            return at, f'"{sign}" looks around, which RE2 cannot'
    prefix = _NAMED.match(text, at) or _FLAGS.match(text, at)
    if prefix is None:
        return at, f'"{text[at : at + 4]}" is not supported by RE2'
    return prefix.end(), ""
