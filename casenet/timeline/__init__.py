"""The patient's timeline: posts and corrections, sealed, numbered without gaps, read in one way.

A post is there once, however often it is sent. A number seen is a number committed: whoever has read up to n
has missed nothing up to n.
"""

from casenet.timeline.actions import (
    acknowledge_post,
    correct_post,
    mark_read,
    publish_post,
    publish_recalled,
)
from casenet.timeline.live import News, Written, news
from casenet.timeline.log import Posted
from casenet.timeline.looks import UNSHOWN, Shown, look, record_again, shown_in
from casenet.timeline.notices import Notice, publish_notice, publish_notices
from casenet.timeline.queries import (
    MarkView,
    RevisionView,
    Stretch,
    changes_after,
    history,
    last_lines,
    latest_posts,
    marks_after,
    page_before,
    posts_after,
)
from casenet.timeline.reading import awaiting, read_by, read_sequences, unread
from casenet.timeline.rules import AWAITING_DAYS, PAGE_MAX, TEXT_CHARS_MAX, Draft, check_ordinary

__all__ = [
    "AWAITING_DAYS",
    "PAGE_MAX",
    "TEXT_CHARS_MAX",
    "UNSHOWN",
    "Draft",
    "MarkView",
    "News",
    "Notice",
    "Posted",
    "RevisionView",
    "Shown",
    "Stretch",
    "Written",
    "acknowledge_post",
    "awaiting",
    "changes_after",
    "check_ordinary",
    "correct_post",
    "history",
    "last_lines",
    "latest_posts",
    "look",
    "mark_read",
    "marks_after",
    "news",
    "page_before",
    "posts_after",
    "publish_notice",
    "publish_notices",
    "publish_post",
    "publish_recalled",
    "read_by",
    "read_sequences",
    "record_again",
    "shown_in",
    "unread",
]
