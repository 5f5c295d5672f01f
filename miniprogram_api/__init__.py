"""HTTP for the mini-program: one file per resource, schemas and views together. No SQL, no arithmetic."""

from flask import Flask

from miniprogram_api import (
    accounts,
    activities,
    auth,
    badges,
    campaign_awards,
    campaign_names,
    campaign_teams,
    campaigns,
    challenges,
    classes,
    consent_receipts,
    consents,
    covers,
    declarations,
    deletion,
    entries,
    export,
    forest_teams,
    forests,
    friends,
    guardians,
    leaderboards,
    learning,
    link_codes,
    me,
    messages,
    methodologies,
    partner_links,
    phones,
    photos,
    pledges,
    points,
    points_rules,
    products,
    receipts,
    redemptions,
    rewards,
    staff_login,
    steps,
    wards,
)
from miniprogram_api.answers import finish_answers
from miniprogram_api.openapi import describe

PREFIX = "/api/v1"

#: Every resource of the API, in the order of its documentation.
RESOURCES = (
    auth.resource,
    staff_login.resource,
    me.resource,
    phones.resource,
    accounts.resource,
    points.resource,
    entries.resource,
    receipts.resource,
    badges.resource,
    consents.resource,
    consent_receipts.resource,
    guardians.resource,
    wards.resource,
    partner_links.resource,
    link_codes.resource,
    messages.resource,
    redemptions.resource,
    steps.resource,
    forests.resource,
    forest_teams.resource,
    export.resource,
    deletion.resource,
    activities.resource,
    declarations.resource,
    photos.resource,
    campaigns.resource,
    classes.resource,
    leaderboards.resource,
    friends.resource,
    rewards.resource,
    campaign_names.resource,
    campaign_teams.resource,
    challenges.resource,
    pledges.resource,
    learning.resource,
    methodologies.resource,
    products.resource,
    covers.resource,
    points_rules.resource,
    campaign_awards.resource,
)


def register(app: Flask) -> None:
    """Add the API, its OpenAPI document at `/openapi.json` and its page at `/docs`."""
    finish_answers(app)
    api = describe(app)
    for resource in RESOURCES:
        api.register_blueprint(resource, url_prefix=PREFIX)
