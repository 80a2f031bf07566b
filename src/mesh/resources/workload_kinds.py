"""Workloads other than Deployments, and what goes with them: revisions, volumes, autoscalers, disruption budgets,
Events of events.k8s.io.

A part of `mesh.resources.kinds`, which alone is asked.
"""

from mesh.resources.analysis.advice import advise_workload
from mesh.resources.checks.horizontal_pod_autoscaler import check_autoscaler
from mesh.resources.checks.persistent_volume import (
    check_claim,
    check_claim_update,
    check_storage_class,
    check_storage_class_update,
    check_volume,
    check_volume_update,
)
from mesh.resources.checks.pod_disruption_budget import check_budget
from mesh.resources.checks.stateful_set import (
    check_daemon_set,
    check_replication_controller,
    check_stateful_set,
    check_stateful_set_update,
)
from mesh.resources.checks.workload import check_workload_update
from mesh.resources.columns import core, workloads
from mesh.resources.columns.column import Cell
from mesh.resources.core.daemon_set import DaemonSet
from mesh.resources.core.horizontal_pod_autoscaler import HorizontalPodAutoscaler
from mesh.resources.core.persistent_volume import PersistentVolume, PersistentVolumeClaim, StorageClass
from mesh.resources.core.pod_disruption_budget import PodDisruptionBudget
from mesh.resources.core.replication_controller import ReplicationController
from mesh.resources.core.stateful_set import ControllerRevision, StatefulSet
from mesh.resources.events.types import Event
from mesh.resources.kind_definition import SCALABLE, STATUS, Conditions, KindDefinition, OtherForm
from mesh.resources.validation import event_forms as events
from mesh.resources.validation.autoscaler_versions import at_version, to_first_version
from mesh.resources.validation.workload_defaults import (
    fill_autoscaler,
    fill_claim,
    fill_daemon_set,
    fill_replication_controller,
    fill_stateful_set,
    fill_storage_class,
    fill_volume,
)

ALL = ("all",)


def _of_core(cell: Cell) -> Cell:
    """A cell of core/v1's Event, for one of events.k8s.io/v1."""
    return lambda event: cell(events.to_core(dict(event)))


WORKLOAD_KINDS = (
    KindDefinition(
        group="apps",
        kind="StatefulSet",
        plural="statefulsets",
        short_names=("sts",),
        categories=ALL,
        type=StatefulSet,
        columns=workloads.STATEFUL_SET,
        subresources=SCALABLE,
        fill=fill_stateful_set,
        check=check_stateful_set,
        check_update=check_stateful_set_update,
        advise=advise_workload,
    ),
    KindDefinition(
        group="apps",
        kind="DaemonSet",
        plural="daemonsets",
        short_names=("ds",),
        categories=ALL,
        type=DaemonSet,
        columns=workloads.DAEMON_SET,
        subresources=STATUS,
        fill=fill_daemon_set,
        check=check_daemon_set,
        check_update=check_workload_update,
        advise=advise_workload,
    ),
    KindDefinition(
        group="apps",
        kind="ControllerRevision",
        plural="controllerrevisions",
        type=ControllerRevision,
        columns=workloads.CONTROLLER_REVISION,
        made_by="mesh",
    ),
    KindDefinition(
        kind="ReplicationController",
        plural="replicationcontrollers",
        short_names=("rc",),
        categories=ALL,
        type=ReplicationController,
        columns=workloads.REPLICATION_CONTROLLER,
        subresources=SCALABLE,
        fill=fill_replication_controller,
        check=check_replication_controller,
    ),
    KindDefinition(
        kind="PersistentVolumeClaim",
        plural="persistentvolumeclaims",
        short_names=("pvc",),
        type=PersistentVolumeClaim,
        columns=workloads.CLAIM,
        subresources=STATUS,
        fill=fill_claim,
        check=check_claim,
        check_update=check_claim_update,
    ),
    KindDefinition(
        kind="PersistentVolume",
        plural="persistentvolumes",
        short_names=("pv",),
        namespaced=False,
        type=PersistentVolume,
        columns=workloads.VOLUME,
        subresources=STATUS,
        fill=fill_volume,
        check=check_volume,
        check_update=check_volume_update,
    ),
    KindDefinition(
        group="storage.k8s.io",
        kind="StorageClass",
        plural="storageclasses",
        short_names=("sc",),
        namespaced=False,
        type=StorageClass,
        columns=workloads.STORAGE_CLASS,
        fill=fill_storage_class,
        check=check_storage_class,
        check_update=check_storage_class_update,
    ),
    KindDefinition(
        group="autoscaling",
        versions=("v2", "v1"),
        kind="HorizontalPodAutoscaler",
        plural="horizontalpodautoscalers",
        short_names=("hpa",),
        categories=ALL,
        type=HorizontalPodAutoscaler,
        columns=workloads.AUTOSCALER,
        subresources=STATUS,
        fill=fill_autoscaler,
        check=check_autoscaler,
        conditions=Conditions.OWN,
        to_first_version=to_first_version,
        at_version=at_version,
    ),
    KindDefinition(
        group="policy",
        kind="PodDisruptionBudget",
        plural="poddisruptionbudgets",
        short_names=("pdb",),
        type=PodDisruptionBudget,
        columns=workloads.BUDGET,
        subresources=STATUS,
        check=check_budget,
        conditions=Conditions.OWN,
    ),
    KindDefinition(
        group=events.GROUP,
        kind="Event",
        plural="events",
        short_names=("ev",),
        type=Event,
        columns=[column._replace(cell=_of_core(column.cell)) for column in core.EVENT],
        check_creation=events.check_new_event,
        made_by="mesh",
        persistent=False,
        form_of=OtherForm(events.CORE, events.to_core, events.from_core),
    ),
)
