"""`salesfc`: what dbt has no verb for."""

from salesfc_plugin.cli.app import app, main

__all__ = ["app", "main"]
