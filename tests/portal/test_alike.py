"""What is written out once for everybody holds nothing of anybody's."""

import pytest
from django.http import HttpRequest
from django.template import RequestContext, Template, TemplateSyntaxError
from django.template.context import Context
from django.test import RequestFactory
from django.utils.safestring import mark_safe
from django.utils.translation import override

from accounts.models import User


def shown(template: Template, request: HttpRequest, **given: object) -> str:
    return template.render(RequestContext(request, given))


def test_it_knows_what_is_named_and_the_language_and_nothing_else() -> None:
    inside = "[{{ known }}][{{ other }}][{{ user }}][{{ request.path }}][{% csrf_token %}]"
    part = Template("{% load alike %}{% alike known=told %}" + inside + "{% endalike %}")
    request = RequestFactory().get("/home/")
    request.user = User(email="ana@example.com")
    assert shown(part, request, told="a", other="b", known="c") == "[a][][][][]"


def test_it_is_written_once_for_each_value_and_language() -> None:
    wrote: list[str] = []
    part = Template("{% load alike i18n %}{% alike n=n noted=noted %}{% translate 'Settings' %} {{ n }}{% endalike %}")
    node = part.nodelist[1]
    for language, n in (("en", 1), ("es", 1), ("en", 2), ("en", 1), ("es", 1), ("en", True)):
        with override(language):
            wrote.append(part.render(Context({"n": n})))
    assert wrote == ["Settings 1", "Ajustes 1", "Settings 2", "Settings 1", "Ajustes 1", "Settings True"]
    assert len(vars(node)["_written"]) == 4


def test_what_is_to_be_escaped_is_not_taken_for_what_is_not() -> None:
    part = Template("{% load alike %}{% alike it=it %}{{ it }}{% endalike %}")
    both = [part.render(Context({"it": it})) for it in (mark_safe("<b>"), "<b>", mark_safe("<b>"))]
    assert both == ["<b>", "&lt;b&gt;", "<b>"]


def test_it_takes_plain_values_alone() -> None:
    part = Template("{% load alike %}{% alike who=user %}{{ who }}{% endalike %}")
    with pytest.raises(TemplateSyntaxError, match="who is no plain value: User"):
        part.render(Context({"user": User(email="ana@example.com")}))
    with pytest.raises(TemplateSyntaxError, match="alike takes name=value, not user"):
        Template("{% load alike %}{% alike user %}{% endalike %}")


def test_many_values_fill_no_memory() -> None:
    part = Template("{% load alike %}{% alike n=n %}{{ n }}{% endalike %}")
    assert [part.render(Context({"n": n})) for n in range(200)] == [str(n) for n in range(200)]
    assert len(vars(part.nodelist[1])["_written"]) == 64


@pytest.mark.parametrize(
    ("path", "stands"),
    [("/stop/", "/stop/"), ("/stop/code/", "/stop/*"), ("/help/", ""), ("/home/", "/home/"), ("/", "")],
)
def test_where_a_page_stands_to_links_names_no_page_of_somebodys(path: str, stands: str) -> None:
    part = Template("{% load alike %}{{ path|standing:'/stop/ /home/' }}")
    assert part.render(Context({"path": path})) == stands
