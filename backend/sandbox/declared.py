"""Acts that a member of the sandbox declared yesterday, one with a photo: `flask review list` shows them."""

from datetime import datetime, timedelta
from io import BytesIO
from uuid import UUID

from PIL import Image, ImageDraw

from backend import House, clock, declarations, identity, photos
from backend.declarations import Wish
from backend.sandbox.programme import MEMBERS, PROGRAMME, load_member

#: Who rides a bicycle of their own, which no operator reports.
RIDER = next(member for member in MEMBERS if member.name == "guo")
#: The hour each ride began, and how far it went.
RIDES = ((8, "5.4"), (18, "6.1"))


def load(house: House) -> None:
    """Declare the rides of yesterday, unless the rider has declared anything before; the last one has a photo."""
    now = clock.now()
    with house.transaction() as tx:
        holder_id = load_member(tx, house, RIDER)
        if declarations.declarations_of(tx, holder_id, limit=1):
            return
        login = identity.start_session(tx, holder_id, now=now)
        photo = declarations.keep_photo(tx, house.vault, holder_id, photos.clean(_drawn()), now=now)
    proofs: tuple[tuple[UUID, ...], ...] = ((), (photo.id,))
    for (hour, distance_km), proof in zip(RIDES, proofs, strict=True):
        began = clock.start_of_day_after(clock.day_of(now), -1) + timedelta(hours=hour)
        wish = _wish(holder_id, login.session_id, began, distance_km, proof)
        declarations.declare(house.sessions, house.vault, wish, f"sandbox-{hour}")
    with house.transaction() as tx:
        identity.end_session(tx, login.session_id, now=clock.now())


def _wish(holder_id: UUID, session_id: UUID, began: datetime, distance_km: str, proof: tuple[UUID, ...]) -> Wish:
    return Wish(
        person_id=holder_id,
        session_id=session_id,
        programme=PROGRAMME,
        methodology="bicycle_ride",
        started_at=began,
        ended_at=began + timedelta(minutes=25),
        data={"distance_km": distance_km},
        photo_ids=proof,
        words="自己的车，上下班路上",
    )


def _drawn() -> bytes:
    """A picture of a bicycle computer, as far as it can be drawn with two circles and a number."""
    picture = Image.new("RGB", (640, 480), "#d8e8dc")
    pen = ImageDraw.Draw(picture)
    for left in (80, 340):
        pen.ellipse((left, 220, left + 200, 420), outline="#1d5c3a", width=14)
    pen.line((180, 320, 300, 160, 440, 320), fill="#1d5c3a", width=14)
    pen.text((250, 60), "6.1 km", fill="black")
    out = BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()
