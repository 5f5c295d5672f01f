"""A forest project of the sandbox, and a member who walked enough to donate at once: `sandbox:walker`."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from backend import House, clock, forest, identity, steps

WALKER = "walker"
_STEPS = (11_204, 9_873, 14_655, 8_021, 12_340)


def load(tx: Session, house: House, programme: str) -> None:
    """Put both into the database; what is there already is left alone."""
    forest.save_project(
        tx,
        code="kubuqi",
        programme=programme,
        title="库布其公益林 / Kubuqi grove",
        place="内蒙古鄂尔多斯 / Ordos, Inner Mongolia",
        species="梭梭 / saxaul (Haloxylon ammodendron)",
        organisation="沙箱林业基金会 / the sandbox's forest foundation",
        steps_per_tree=20_000,
        trees_offered=10_000,
        opens_on=date(2026, 1, 1),
    )
    _load_walker(tx, house, programme)


def _load_walker(tx: Session, house: House, programme: str) -> None:
    walked = clock.now() - timedelta(days=3)
    found = identity.SandboxWeChat(house.settings.wechat_appid).exchange(f"sandbox:{WALKER}")
    known_by = [("wechat_openid", f"{found.appid}|{found.openid}"), ("wechat_unionid", found.unionid or "")]
    holder_id = identity.recognise_person(tx, house.vault, known_by, now=walked)
    identity.enrol_in_consumer_programmes(tx, holder_id, now=walked)
    if steps.days_of(tx, holder_id, programme, now=clock.now()):
        return
    today = clock.day_of(walked)
    days = [steps.Reported(today - timedelta(days=back), count) for back, count in enumerate(_STEPS, 1)]
    steps.record(tx, holder_id, steps.Report(steps.SOURCE, programme, walked, days), now=walked)
