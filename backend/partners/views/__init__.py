"""HTTP for partners: one module per resource, each with a `blueprint`."""

from flask import Blueprint

from backend.partners.views import batches, deliveries, links, reconciliations, secrets, webhooks

blueprint = Blueprint("partners", __name__)
for _resource in (webhooks, batches, deliveries, reconciliations, links, secrets):
    blueprint.register_blueprint(_resource.blueprint)
