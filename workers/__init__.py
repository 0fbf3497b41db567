"""DOOR: the only place that knows Celery. Due work lives in PostgreSQL; a task is a nudge."""
