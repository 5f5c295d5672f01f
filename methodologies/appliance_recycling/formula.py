"""家电与数码回收 Appliance and device recycling. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, net_reduction


@formula
def material_credit(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = n × C, the net end-of-life credit of a category; negative where end of life emits [KEPU, IC2]."""
    return net_reduction(activity.quantity * parameter.credit_per_item)
