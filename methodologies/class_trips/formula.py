"""班级低碳出行 Low-carbon trips of a class. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, net_reduction


@formula
def pupils_times_distance(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = n × d × ER_km: pupils a teacher counted, over the distance the school set [WH-STAR, CQ23, SZ22]."""
    return net_reduction(activity.pupils * activity.distance_km * parameter.reduction_per_km)
