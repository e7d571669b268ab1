"""References: the lesson's own list by part, and everything else that the pages cite, by topic."""

from vizcore import ui
from vizcore.content import references
from vizcore.ui.sections import references as section

view, words = ui.begin(__file__), ui.words(__file__)
cited = references.citing()

words.say("about the links")
words.part("The lesson's own references")
for part, several in references.lesson().items():
    section.of_the_lesson(part, several, cited)
words.part("Everything else, by topic")
for topic, some in references.by_topic().items():
    section.about(topic, some, cited)
if alone := references.only_on_pages():
    words.part("Further sources of single pages")
    section.as_they_stand(alone)
