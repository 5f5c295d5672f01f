"""在线会议代替差旅 Online meeting instead of travel. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def travel_avoided(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = (2 × Σ d × EF + nights × EF_hotel) ÷ n [CPCD, DESNZ], PE = N × h × EF_online ÷ n [ZOOM]."""
    one_way = activity.air_km * parameter.air_per_km + activity.rail_km * parameter.rail_per_km
    travel = one_way * parameter.both_ways + activity.hotel_nights * parameter.hotel_night
    online = activity.attendees * activity.duration_h * parameter.online_hour
    return emissions(baseline=travel / activity.claimants, project=online / activity.claimants)
