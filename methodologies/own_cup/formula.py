"""自带杯 Own cup. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, net_reduction


@formula
def per_use(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = n × ER_use. 美团青山计划，上海 2025 [CUP]."""
    return net_reduction(activity.quantity * parameter.reduction_per_use)
