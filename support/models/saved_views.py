"""Lists of the console and the desk as a member of staff likes to see them."""

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """A list (`page`: its address's name) with filters and order (`query`), under a name of one's own."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="support_savedview_once_a_name")]

    def __str__(self) -> str:
        return f"view of {self.page}"
