"""Moments for people, with the exact instant for machines, in the time zone that the page speaks of."""

from django import template

from accounts.domain import sentences

register = template.Library()
register.simple_tag(sentences.when)
register.simple_tag(sentences.on_day)
