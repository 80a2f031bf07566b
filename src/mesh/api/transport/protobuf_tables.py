"""Kubernetes' protobuf messages: numbers, names and types of their fields.

Written by `python -m tools.protobuf_tables` from k8s.io/api v0.37.2; see `mesh.api.transport.protobuf`
for the notation."""

# What a body can be; the other messages are parts of these.
KINDS = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "ControllerRevision",
        "CronJob",
        "DaemonSet",
        "DeleteOptions",
        "Deployment",
        "Endpoints",
        "Event",
        "Eviction",
        "HorizontalPodAutoscaler",
        "Ingress",
        "IngressClass",
        "Job",
        "Lease",
        "LimitRange",
        "LocalSubjectAccessReview",
        "Namespace",
        "NetworkPolicy",
        "Node",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Pod",
        "PodDisruptionBudget",
        "PodTemplate",
        "PriorityClass",
        "ReplicaSet",
        "ReplicationController",
        "ResourceQuota",
        "Role",
        "RoleBinding",
        "Scale",
        "Secret",
        "SelfSubjectAccessReview",
        "SelfSubjectReview",
        "SelfSubjectRulesReview",
        "Service",
        "ServiceAccount",
        "StatefulSet",
        "StorageClass",
        "SubjectAccessReview",
        "TokenReview",
        "authentication/v1:TokenRequest",
        "autoscaling/v2:HorizontalPodAutoscaler",
        "discovery/v1:EndpointSlice",
        "events/v1:Event",
    }
)
TABLES = {
    "AWSElasticBlockStoreVolumeSource": ("1 volumeID str, 2 fsType str, 3 partition int, 4 readOnly bool"),
    "Affinity": ("1 nodeAffinity NodeAffinity?, 2 podAffinity PodAffinity?, 3 podAntiAffinity PodAntiAffinity?"),
    "AggregationRule": ("1 clusterRoleSelectors []LabelSelector"),
    "AppArmorProfile": ("1 type str, 2 localhostProfile str?"),
    "AttachedVolume": ("1 name str, 2 devicePath str"),
    "AzureDiskVolumeSource": (
        "1 diskName str, 2 diskURI str, 3 cachingMode str?, 4 fsType str?, 5 readOnly bool?, 6 kind str?"
    ),
    "AzureFilePersistentVolumeSource": ("1 secretName str, 2 shareName str, 3 readOnly bool, 4 secretNamespace str?"),
    "AzureFileVolumeSource": ("1 secretName str, 2 shareName str, 3 readOnly bool"),
    "CSIPersistentVolumeSource": (
        "1 driver str, 2 volumeHandle str, 3 readOnly bool, 4 fsType str, 5 volumeAttributes map, "
        "6 controllerPublishSecretRef SecretReference?, 7 nodeStageSecretRef SecretReference?, "
        "8 nodePublishSecretRef SecretReference?, 9 controllerExpandSecretRef SecretReference?, "
        "10 nodeExpandSecretRef SecretReference?"
    ),
    "CSIVolumeSource": (
        "1 driver str, 2 readOnly bool?, 3 fsType str?, 4 volumeAttributes map, "
        "5 nodePublishSecretRef LocalObjectReference?"
    ),
    "Capabilities": ("1 add []str, 2 drop []str"),
    "CephFSPersistentVolumeSource": (
        "1 monitors []str, 2 path str, 3 user str, 4 secretFile str, 5 secretRef SecretReference?, 6 readOnly bool"
    ),
    "CephFSVolumeSource": (
        "1 monitors []str, 2 path str, 3 user str, 4 secretFile str, 5 secretRef LocalObjectReference?, 6 readOnly bool"
    ),
    "CinderPersistentVolumeSource": ("1 volumeID str, 2 fsType str, 3 readOnly bool, 4 secretRef SecretReference?"),
    "CinderVolumeSource": ("1 volumeID str, 2 fsType str, 3 readOnly bool, 4 secretRef LocalObjectReference?"),
    "ClientIPConfig": ("1 timeoutSeconds int?"),
    "ClusterRole": ("1 metadata ObjectMeta, 2 rules []PolicyRule, 3 aggregationRule AggregationRule?"),
    "ClusterRoleBinding": ("1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef"),
    "ClusterTrustBundleProjection": (
        "1 name str?, 2 signerName str?, 3 labelSelector LabelSelector?, 5 optional bool?, 4 path str, 6 user int?"
    ),
    "Condition": (
        "1 type str, 2 status str, 3 observedGeneration int, 4 lastTransitionTime time, 5 reason str, 6 message str"
    ),
    "ConfigMap": ("1 metadata ObjectMeta, 4 immutable bool?, 2 data map, 3 binaryData byteMap"),
    "ConfigMapEnvSource": ("1 - LocalObjectReference, 2 optional bool?"),
    "ConfigMapKeySelector": ("1 - LocalObjectReference, 2 key str, 3 optional bool?"),
    "ConfigMapNodeConfigSource": (
        "1 namespace str, 2 name str, 3 uid str, 4 resourceVersion str, 5 kubeletConfigKey str"
    ),
    "ConfigMapProjection": ("1 - LocalObjectReference, 2 items []KeyToPath, 4 optional bool?"),
    "ConfigMapVolumeSource": (
        "1 - LocalObjectReference, 2 items []KeyToPath, 3 defaultMode int?, 4 optional bool?, 5 defaultUser int?"
    ),
    "Container": (
        "1 name str, 2 image str, 3 command []str, 4 args []str, 5 workingDir str, 6 ports []ContainerPort, "
        "19 envFrom []EnvFromSource, 7 env []EnvVar, 8 resources ResourceRequirements, "
        "23 resizePolicy []ContainerResizePolicy, 24 restartPolicy str?, "
        "25 restartPolicyRules []ContainerRestartRule, 9 volumeMounts []VolumeMount, "
        "21 volumeDevices []VolumeDevice, 10 livenessProbe Probe?, 11 readinessProbe Probe?, "
        "22 startupProbe Probe?, 12 lifecycle Lifecycle?, 13 terminationMessagePath str, "
        "20 terminationMessagePolicy str, 14 imagePullPolicy str, 15 securityContext SecurityContext?, "
        "16 stdin bool, 17 stdinOnce bool, 18 tty bool"
    ),
    "ContainerExtendedResourceRequest": ("1 containerName str, 2 resourceName str, 3 requestName str"),
    "ContainerImage": ("1 names []str, 2 sizeBytes int"),
    "ContainerPort": ("1 name str, 2 hostPort int, 3 containerPort int, 4 protocol str, 5 hostIP str"),
    "ContainerResizePolicy": ("1 resourceName str, 2 restartPolicy str"),
    "ContainerRestartRule": ("1 action str, 2 exitCodes ContainerRestartRuleOnExitCodes?"),
    "ContainerRestartRuleOnExitCodes": ("1 operator str, 2 values []int"),
    "ContainerState": (
        "1 waiting ContainerStateWaiting?, 2 running ContainerStateRunning?, 3 terminated ContainerStateTerminated?"
    ),
    "ContainerStateRunning": ("1 startedAt time"),
    "ContainerStateTerminated": (
        "1 exitCode int, 2 signal int, 3 reason str, 4 message str, 5 startedAt time, 6 finishedAt time, "
        "7 containerID str"
    ),
    "ContainerStateWaiting": ("1 reason str, 2 message str"),
    "ContainerStatus": (
        "1 name str, 2 state ContainerState, 3 lastState ContainerState, 4 ready bool, 5 restartCount int, "
        "6 image str, 7 imageID str, 8 containerID str, 9 started bool?, 10 allocatedResources quantityMap, "
        "11 resources ResourceRequirements?, 12 volumeMounts []VolumeMountStatus, 13 user ContainerUser?, "
        "14 allocatedResourcesStatus []ResourceStatus, 15 stopSignal str?"
    ),
    "ContainerUser": ("1 linux LinuxContainerUser?"),
    "ControllerRevision": ("1 metadata ObjectMeta, 2 data rawExtension, 3 revision int"),
    "CronJob": ("1 metadata ObjectMeta, 2 spec CronJobSpec, 3 status CronJobStatus"),
    "CronJobSpec": (
        "1 schedule str, 8 timeZone str?, 2 startingDeadlineSeconds int?, 3 concurrencyPolicy str, "
        "4 suspend bool?, 5 jobTemplate JobTemplateSpec, 6 successfulJobsHistoryLimit int?, "
        "7 failedJobsHistoryLimit int?"
    ),
    "CronJobStatus": ("1 active []ObjectReference, 4 lastScheduleTime time?, 5 lastSuccessfulTime time?"),
    "CrossVersionObjectReference": ("1 kind str, 2 name str, 3 apiVersion str"),
    "DaemonEndpoint": ("1 Port int"),
    "DaemonSet": ("1 metadata ObjectMeta, 2 spec DaemonSetSpec, 3 status DaemonSetStatus"),
    "DaemonSetCondition": ("1 type str, 2 status str, 3 lastTransitionTime time, 4 reason str, 5 message str"),
    "DaemonSetSpec": (
        "1 selector LabelSelector?, 2 template PodTemplateSpec, 3 updateStrategy DaemonSetUpdateStrategy, "
        "4 minReadySeconds int, 6 revisionHistoryLimit int?"
    ),
    "DaemonSetStatus": (
        "1 currentNumberScheduled int, 2 numberMisscheduled int, 3 desiredNumberScheduled int, 4 numberReady int, "
        "5 observedGeneration int, 6 updatedNumberScheduled int, 7 numberAvailable int, 8 numberUnavailable int, "
        "9 collisionCount int?, 10 conditions []DaemonSetCondition"
    ),
    "DaemonSetUpdateStrategy": ("1 type str, 2 rollingUpdate RollingUpdateDaemonSet?"),
    "DeleteOptions": (
        "1 gracePeriodSeconds int?, 2 preconditions Preconditions?, 3 orphanDependents bool?, "
        "4 propagationPolicy str?, 5 dryRun []str, 6 ignoreStoreReadErrorWithClusterBreakingPotential bool?"
    ),
    "Deployment": ("1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 status DeploymentStatus"),
    "DeploymentCondition": (
        "1 type str, 2 status str, 6 lastUpdateTime time, 7 lastTransitionTime time, 4 reason str, 5 message str"
    ),
    "DeploymentSpec": (
        "1 replicas int?, 2 selector LabelSelector?, 3 template PodTemplateSpec, 4 strategy DeploymentStrategy, "
        "5 minReadySeconds int, 6 revisionHistoryLimit int?, 7 paused bool, 9 progressDeadlineSeconds int?"
    ),
    "DeploymentStatus": (
        "1 observedGeneration int, 2 replicas int, 3 updatedReplicas int, 7 readyReplicas int, "
        "4 availableReplicas int, 5 unavailableReplicas int, 9 terminatingReplicas int?, "
        "6 conditions []DeploymentCondition, 8 collisionCount int?"
    ),
    "DeploymentStrategy": ("1 type str, 2 rollingUpdate RollingUpdateDeployment?"),
    "DownwardAPIProjection": ("1 items []DownwardAPIVolumeFile"),
    "DownwardAPIVolumeFile": (
        "1 path str, 2 fieldRef ObjectFieldSelector?, 3 resourceFieldRef ResourceFieldSelector?, 4 mode int?, "
        "5 user int?"
    ),
    "DownwardAPIVolumeSource": ("1 items []DownwardAPIVolumeFile, 2 defaultMode int?, 3 defaultUser int?"),
    "EmptyDirVolumeSource": ("1 medium str, 2 sizeLimit quantity?, 3 mode int?"),
    "EndpointAddress": ("1 ip str, 3 hostname str, 4 nodeName str?, 2 targetRef ObjectReference?"),
    "EndpointPort": ("1 name str, 2 port int, 3 protocol str, 4 appProtocol str?"),
    "EndpointSubset": ("1 addresses []EndpointAddress, 2 notReadyAddresses []EndpointAddress, 3 ports []EndpointPort"),
    "Endpoints": ("1 metadata ObjectMeta, 2 subsets []EndpointSubset"),
    "EnvFromSource": ("1 prefix str, 2 configMapRef ConfigMapEnvSource?, 3 secretRef SecretEnvSource?"),
    "EnvVar": ("1 name str, 2 value str, 3 valueFrom EnvVarSource?"),
    "EnvVarSource": (
        "1 fieldRef ObjectFieldSelector?, 2 resourceFieldRef ResourceFieldSelector?, "
        "3 configMapKeyRef ConfigMapKeySelector?, 4 secretKeyRef SecretKeySelector?, "
        "5 fileKeyRef FileKeySelector?"
    ),
    "EphemeralContainer": ("1 - EphemeralContainerCommon, 2 targetContainerName str"),
    "EphemeralContainerCommon": (
        "1 name str, 2 image str, 3 command []str, 4 args []str, 5 workingDir str, 6 ports []ContainerPort, "
        "19 envFrom []EnvFromSource, 7 env []EnvVar, 8 resources ResourceRequirements, "
        "23 resizePolicy []ContainerResizePolicy, 24 restartPolicy str?, "
        "25 restartPolicyRules []ContainerRestartRule, 9 volumeMounts []VolumeMount, "
        "21 volumeDevices []VolumeDevice, 10 livenessProbe Probe?, 11 readinessProbe Probe?, "
        "22 startupProbe Probe?, 12 lifecycle Lifecycle?, 13 terminationMessagePath str, "
        "20 terminationMessagePolicy str, 14 imagePullPolicy str, 15 securityContext SecurityContext?, "
        "16 stdin bool, 17 stdinOnce bool, 18 tty bool"
    ),
    "EphemeralVolumeSource": ("1 volumeClaimTemplate PersistentVolumeClaimTemplate?"),
    "Event": (
        "1 metadata ObjectMeta, 2 involvedObject ObjectReference, 3 reason str, 4 message str, "
        "5 source EventSource, 6 firstTimestamp time, 7 lastTimestamp time, 8 count int, 9 type str, "
        "10 eventTime microTime, 11 series EventSeries?, 12 action str, 13 related ObjectReference?, "
        "14 reportingComponent str, 15 reportingInstance str"
    ),
    "EventSeries": ("1 count int, 2 lastObservedTime microTime"),
    "EventSource": ("1 component str, 2 host str"),
    "Eviction": ("1 metadata ObjectMeta, 2 deleteOptions DeleteOptions?"),
    "EvictionResponder": ("1 name str, 2 priority int?"),
    "ExecAction": ("1 command []str"),
    "FCVolumeSource": ("1 targetWWNs []str, 2 lun int?, 3 fsType str, 4 readOnly bool, 5 wwids []str"),
    "FieldSelectorAttributes": ("1 rawSelector str, 2 requirements []FieldSelectorRequirement"),
    "FieldSelectorRequirement": ("1 key str, 2 operator str, 3 values []str"),
    "FileKeySelector": ("1 volumeName str, 2 path str, 3 key str, 4 optional bool?"),
    "FlexPersistentVolumeSource": (
        "1 driver str, 2 fsType str, 3 secretRef SecretReference?, 4 readOnly bool, 5 options map"
    ),
    "FlexVolumeSource": (
        "1 driver str, 2 fsType str, 3 secretRef LocalObjectReference?, 4 readOnly bool, 5 options map"
    ),
    "FlockerVolumeSource": ("1 datasetName str, 2 datasetUUID str"),
    "GCEPersistentDiskVolumeSource": ("1 pdName str, 2 fsType str, 3 partition int, 4 readOnly bool"),
    "GRPCAction": ("1 port int, 2 service str?, 3 mode str?"),
    "GitRepoVolumeSource": ("1 repository str, 2 revision str, 3 directory str"),
    "GlusterfsPersistentVolumeSource": ("1 endpoints str, 2 path str, 3 readOnly bool, 4 endpointsNamespace str?"),
    "GlusterfsVolumeSource": ("1 endpoints str, 2 path str, 3 readOnly bool"),
    "HTTPGetAction": (
        "1 path str, 2 port intOrString, 3 host str, 4 scheme str, 5 httpHeaders []HTTPHeader, 6 protocol str?"
    ),
    "HTTPHeader": ("1 name str, 2 value str"),
    "HTTPIngressPath": ("1 path str, 3 pathType str?, 2 backend IngressBackend"),
    "HTTPIngressRuleValue": ("1 paths []HTTPIngressPath"),
    "HorizontalPodAutoscaler": (
        "1 metadata ObjectMeta, 2 spec HorizontalPodAutoscalerSpec, 3 status HorizontalPodAutoscalerStatus"
    ),
    "HorizontalPodAutoscalerSpec": (
        "1 scaleTargetRef CrossVersionObjectReference, 2 minReplicas int?, 3 maxReplicas int, "
        "4 targetCPUUtilizationPercentage int?"
    ),
    "HorizontalPodAutoscalerStatus": (
        "1 observedGeneration int?, 2 lastScaleTime time?, 3 currentReplicas int, 4 desiredReplicas int, "
        "5 currentCPUUtilizationPercentage int?"
    ),
    "HostAlias": ("1 ip str, 2 hostnames []str"),
    "HostIP": ("1 ip str"),
    "HostPathVolumeSource": ("1 path str, 2 type str?"),
    "IPBlock": ("1 cidr str, 2 except []str"),
    "ISCSIPersistentVolumeSource": (
        "1 targetPortal str, 2 iqn str, 3 lun int, 4 iscsiInterface str, 5 fsType str, 6 readOnly bool, "
        "7 portals []str, 8 chapAuthDiscovery bool, 11 chapAuthSession bool, 10 secretRef SecretReference?, "
        "12 initiatorName str?"
    ),
    "ISCSIVolumeSource": (
        "1 targetPortal str, 2 iqn str, 3 lun int, 4 iscsiInterface str, 5 fsType str, 6 readOnly bool, "
        "7 portals []str, 8 chapAuthDiscovery bool, 11 chapAuthSession bool, 10 secretRef LocalObjectReference?, "
        "12 initiatorName str?"
    ),
    "ImageVolumeSource": ("1 reference str, 2 pullPolicy str"),
    "ImageVolumeStatus": ("1 imageRef str"),
    "Ingress": ("1 metadata ObjectMeta, 2 spec IngressSpec, 3 status IngressStatus"),
    "IngressBackend": ("4 service IngressServiceBackend?, 3 resource TypedLocalObjectReference?"),
    "IngressClass": ("1 metadata ObjectMeta, 2 spec IngressClassSpec"),
    "IngressClassParametersReference": ("1 apiGroup str?, 2 kind str, 3 name str, 4 scope str?, 5 namespace str?"),
    "IngressClassSpec": ("1 controller str, 2 parameters IngressClassParametersReference?"),
    "IngressLoadBalancerIngress": ("1 ip str, 2 hostname str, 4 ports []IngressPortStatus"),
    "IngressLoadBalancerStatus": ("1 ingress []IngressLoadBalancerIngress"),
    "IngressPortStatus": ("1 port int, 2 protocol str, 3 error str?"),
    "IngressRule": ("1 host str, 2 - IngressRuleValue"),
    "IngressRuleValue": ("1 http HTTPIngressRuleValue?"),
    "IngressServiceBackend": ("1 name str, 2 port ServiceBackendPort"),
    "IngressSpec": (
        "4 ingressClassName str?, 1 defaultBackend IngressBackend?, 2 tls []IngressTLS, 3 rules []IngressRule"
    ),
    "IngressStatus": ("1 loadBalancer IngressLoadBalancerStatus"),
    "IngressTLS": ("1 hosts []str, 2 secretName str"),
    "Job": ("1 metadata ObjectMeta, 2 spec JobSpec, 3 status JobStatus"),
    "JobCondition": (
        "1 type str, 2 status str, 3 lastProbeTime time, 4 lastTransitionTime time, 5 reason str, 6 message str"
    ),
    "JobSchedulingConfiguration": ("0 nothing str"),
    "JobSpec": (
        "1 parallelism int?, 2 completions int?, 3 activeDeadlineSeconds int?, "
        "11 podFailurePolicy PodFailurePolicy?, 16 successPolicy SuccessPolicy?, 7 backoffLimit int?, "
        "12 backoffLimitPerIndex int?, 13 maxFailedIndexes int?, 4 selector LabelSelector?, "
        "5 manualSelector bool?, 6 template PodTemplateSpec, 8 ttlSecondsAfterFinished int?, "
        "9 completionMode str?, 10 suspend bool?, 14 podReplacementPolicy str?, 15 managedBy str?, "
        "17 scheduling JobSchedulingConfiguration?"
    ),
    "JobStatus": (
        "1 conditions []JobCondition, 2 startTime time?, 3 completionTime time?, 4 active int, 5 succeeded int, "
        "6 failed int, 11 terminating int?, 7 completedIndexes str, 10 failedIndexes str?, "
        "8 uncountedTerminatedPods UncountedTerminatedPods?, 9 ready int?"
    ),
    "JobTemplateSpec": ("1 metadata ObjectMeta, 2 spec JobSpec"),
    "KeyToPath": ("1 key str, 2 path str, 3 mode int?, 4 user int?"),
    "LabelSelector": ("1 matchLabels map, 2 matchExpressions []LabelSelectorRequirement"),
    "LabelSelectorAttributes": ("1 rawSelector str, 2 requirements []LabelSelectorRequirement"),
    "LabelSelectorRequirement": ("1 key str, 2 operator str, 3 values []str"),
    "Lease": ("1 metadata ObjectMeta, 2 spec LeaseSpec"),
    "LeaseSpec": (
        "1 holderIdentity str?, 2 leaseDurationSeconds int?, 3 acquireTime microTime?, 4 renewTime microTime?, "
        "5 leaseTransitions int?, 6 strategy str?, 7 preferredHolder str?"
    ),
    "Lifecycle": ("1 postStart LifecycleHandler?, 2 preStop LifecycleHandler?, 3 stopSignal str?"),
    "LifecycleHandler": (
        "1 exec ExecAction?, 2 httpGet HTTPGetAction?, 3 tcpSocket TCPSocketAction?, 4 sleep SleepAction?"
    ),
    "LimitRange": ("1 metadata ObjectMeta, 2 spec LimitRangeSpec"),
    "LimitRangeItem": (
        "1 type str, 2 max quantityMap, 3 min quantityMap, 4 default quantityMap, 5 defaultRequest quantityMap, "
        "6 maxLimitRequestRatio quantityMap"
    ),
    "LimitRangeSpec": ("1 limits []LimitRangeItem"),
    "LinuxContainerUser": ("1 uid int, 2 gid int, 3 supplementalGroups []int"),
    "LoadBalancerIngress": ("1 ip str, 2 hostname str, 3 ipMode str?, 4 ports []PortStatus"),
    "LoadBalancerStatus": ("1 ingress []LoadBalancerIngress"),
    "LocalObjectReference": ("1 name str"),
    "LocalSubjectAccessReview": (
        "1 metadata ObjectMeta, 2 spec SubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus"
    ),
    "LocalVolumeSource": ("1 path str, 2 fsType str?"),
    "ManagedFieldsEntry": (
        "1 manager str, 2 operation str, 3 apiVersion str, 4 time time?, 6 fieldsType str, 7 fieldsV1 fieldsV1?, "
        "8 subresource str"
    ),
    "ModifyVolumeStatus": ("1 targetVolumeAttributesClassName str, 2 status str"),
    "NFSVolumeSource": ("1 server str, 2 path str, 3 readOnly bool"),
    "Namespace": ("1 metadata ObjectMeta, 2 spec NamespaceSpec, 3 status NamespaceStatus"),
    "NamespaceCondition": ("1 type str, 2 status str, 4 lastTransitionTime time, 5 reason str, 6 message str"),
    "NamespaceSpec": ("1 finalizers []str"),
    "NamespaceStatus": ("1 phase str, 2 conditions []NamespaceCondition"),
    "NetworkPolicy": ("1 metadata ObjectMeta, 2 spec NetworkPolicySpec"),
    "NetworkPolicyEgressRule": ("1 ports []NetworkPolicyPort, 2 to []NetworkPolicyPeer"),
    "NetworkPolicyIngressRule": ("1 ports []NetworkPolicyPort, 2 from []NetworkPolicyPeer"),
    "NetworkPolicyPeer": ("1 podSelector LabelSelector?, 2 namespaceSelector LabelSelector?, 3 ipBlock IPBlock?"),
    "NetworkPolicyPort": ("1 protocol str?, 2 port intOrString?, 3 endPort int?"),
    "NetworkPolicySpec": (
        "1 podSelector LabelSelector, 2 ingress []NetworkPolicyIngressRule, 3 egress []NetworkPolicyEgressRule, "
        "4 policyTypes []str"
    ),
    "Node": ("1 metadata ObjectMeta, 2 spec NodeSpec, 3 status NodeStatus"),
    "NodeAddress": ("1 type str, 2 address str"),
    "NodeAffinity": (
        "1 requiredDuringSchedulingIgnoredDuringExecution NodeSelector?, "
        "2 preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm"
    ),
    "NodeAllocatableMappedResources": ("1 name str, 2 quantity quantity?"),
    "NodeAllocatableOverheadResources": ("1 name str, 2 perPod quantity?, 3 perContainer quantity?"),
    "NodeAllocatableResourceClaimStatus": (
        "1 resourceClaimName str, 2 containers []str, 4 mapping []NodeAllocatableMappedResources, "
        "5 overhead []NodeAllocatableOverheadResources"
    ),
    "NodeCondition": (
        "1 type str, 2 status str, 3 lastHeartbeatTime time, 4 lastTransitionTime time, 5 reason str, 6 message str"
    ),
    "NodeConfigSource": ("2 configMap ConfigMapNodeConfigSource?"),
    "NodeConfigStatus": (
        "1 assigned NodeConfigSource?, 2 active NodeConfigSource?, 3 lastKnownGood NodeConfigSource?, 4 error str"
    ),
    "NodeDaemonEndpoints": ("1 kubeletEndpoint DaemonEndpoint"),
    "NodeFeatures": ("1 supplementalGroupsPolicy bool?"),
    "NodePodPreemptionPolicy": ("1 disableResizePreemption []str"),
    "NodeRuntimeHandler": ("1 name str, 2 features NodeRuntimeHandlerFeatures?"),
    "NodeRuntimeHandlerFeatures": ("1 recursiveReadOnlyMounts bool?, 2 userNamespaces bool?"),
    "NodeSelector": ("1 nodeSelectorTerms []NodeSelectorTerm"),
    "NodeSelectorRequirement": ("1 key str, 2 operator str, 3 values []str"),
    "NodeSelectorTerm": ("1 matchExpressions []NodeSelectorRequirement, 2 matchFields []NodeSelectorRequirement"),
    "NodeSpec": (
        "1 podCIDR str, 7 podCIDRs []str, 3 providerID str, 4 unschedulable bool, 5 taints []Taint, "
        "6 configSource NodeConfigSource?, 2 externalID str, 8 podPreemptionPolicy NodePodPreemptionPolicy?"
    ),
    "NodeStatus": (
        "1 capacity quantityMap, 2 allocatable quantityMap, 3 phase str, 4 conditions []NodeCondition, "
        "5 addresses []NodeAddress, 6 daemonEndpoints NodeDaemonEndpoints, 7 nodeInfo NodeSystemInfo, "
        "8 images []ContainerImage, 9 volumesInUse []str, 10 volumesAttached []AttachedVolume, "
        "11 config NodeConfigStatus?, 12 runtimeHandlers []NodeRuntimeHandler, 13 features NodeFeatures?, "
        "14 declaredFeatures []str"
    ),
    "NodeSwapStatus": ("1 capacity int?"),
    "NodeSystemInfo": (
        "1 machineID str, 2 systemUUID str, 3 bootID str, 4 kernelVersion str, 5 osImage str, "
        "6 containerRuntimeVersion str, 7 kubeletVersion str, 8 kubeProxyVersion str, 9 operatingSystem str, "
        "10 architecture str, 11 swap NodeSwapStatus?, 12 runningInUserNamespace bool?"
    ),
    "NonResourceAttributes": ("1 path str, 2 verb str"),
    "NonResourceRule": ("1 verbs []str, 2 nonResourceURLs []str"),
    "ObjectFieldSelector": ("1 apiVersion str, 2 fieldPath str"),
    "ObjectMeta": (
        "1 name str, 2 generateName str, 3 namespace str, 4 selfLink str, 5 uid str, 6 resourceVersion str, "
        "7 generation int, 8 creationTimestamp time, 9 deletionTimestamp time?, "
        "10 deletionGracePeriodSeconds int?, 11 labels map, 12 annotations map, "
        "13 ownerReferences []OwnerReference, 14 finalizers []str, 17 managedFields []ManagedFieldsEntry"
    ),
    "ObjectReference": (
        "1 kind str, 2 namespace str, 3 name str, 4 uid str, 5 apiVersion str, 6 resourceVersion str, 7 fieldPath str"
    ),
    "OwnerReference": (
        "5 apiVersion str, 1 kind str, 3 name str, 4 uid str, 6 controller bool?, 7 blockOwnerDeletion bool?"
    ),
    "PersistentVolume": ("1 metadata ObjectMeta, 2 spec PersistentVolumeSpec, 3 status PersistentVolumeStatus"),
    "PersistentVolumeClaim": (
        "1 metadata ObjectMeta, 2 spec PersistentVolumeClaimSpec, 3 status PersistentVolumeClaimStatus"
    ),
    "PersistentVolumeClaimCondition": (
        "1 type str, 2 status str, 3 lastProbeTime time, 4 lastTransitionTime time, 5 reason str, 6 message str"
    ),
    "PersistentVolumeClaimSpec": (
        "1 accessModes []str, 4 selector LabelSelector?, 2 resources VolumeResourceRequirements, "
        "3 volumeName str, 5 storageClassName str?, 6 volumeMode str?, 7 dataSource TypedLocalObjectReference?, "
        "8 dataSourceRef TypedObjectReference?, 9 volumeAttributesClassName str?"
    ),
    "PersistentVolumeClaimStatus": (
        "1 phase str, 2 accessModes []str, 3 capacity quantityMap, 4 conditions []PersistentVolumeClaimCondition, "
        "5 allocatedResources quantityMap, 7 allocatedResourceStatuses map, "
        "8 currentVolumeAttributesClassName str?, 9 modifyVolumeStatus ModifyVolumeStatus?, "
        "10 healthStatus VolumeHealthStatus?"
    ),
    "PersistentVolumeClaimTemplate": ("1 metadata ObjectMeta, 2 spec PersistentVolumeClaimSpec"),
    "PersistentVolumeClaimVolumeSource": ("1 claimName str, 2 readOnly bool"),
    "PersistentVolumeSource": (
        "1 gcePersistentDisk GCEPersistentDiskVolumeSource?, "
        "2 awsElasticBlockStore AWSElasticBlockStoreVolumeSource?, 3 hostPath HostPathVolumeSource?, "
        "4 glusterfs GlusterfsPersistentVolumeSource?, 5 nfs NFSVolumeSource?, 6 rbd RBDPersistentVolumeSource?, "
        "7 iscsi ISCSIPersistentVolumeSource?, 8 cinder CinderPersistentVolumeSource?, "
        "9 cephfs CephFSPersistentVolumeSource?, 10 fc FCVolumeSource?, 11 flocker FlockerVolumeSource?, "
        "12 flexVolume FlexPersistentVolumeSource?, 13 azureFile AzureFilePersistentVolumeSource?, "
        "14 vsphereVolume VsphereVirtualDiskVolumeSource?, 15 quobyte QuobyteVolumeSource?, "
        "16 azureDisk AzureDiskVolumeSource?, 17 photonPersistentDisk PhotonPersistentDiskVolumeSource?, "
        "18 portworxVolume PortworxVolumeSource?, 19 scaleIO ScaleIOPersistentVolumeSource?, "
        "20 local LocalVolumeSource?, 21 storageos StorageOSPersistentVolumeSource?, "
        "22 csi CSIPersistentVolumeSource?"
    ),
    "PersistentVolumeSpec": (
        "1 capacity quantityMap, 2 - PersistentVolumeSource, 3 accessModes []str, 4 claimRef ObjectReference?, "
        "5 persistentVolumeReclaimPolicy str, 6 storageClassName str, 7 mountOptions []str, 8 volumeMode str?, "
        "9 nodeAffinity VolumeNodeAffinity?, 10 volumeAttributesClassName str?"
    ),
    "PersistentVolumeStatus": ("1 phase str, 2 message str, 3 reason str, 4 lastPhaseTransitionTime time?"),
    "PhotonPersistentDiskVolumeSource": ("1 pdID str, 2 fsType str"),
    "Pod": ("1 metadata ObjectMeta, 2 spec PodSpec, 3 status PodStatus"),
    "PodAffinity": (
        "1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm, "
        "2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm"
    ),
    "PodAffinityTerm": (
        "1 labelSelector LabelSelector?, 2 namespaces []str, 3 topologyKey str, "
        "4 namespaceSelector LabelSelector?, 5 matchLabelKeys []str, 6 mismatchLabelKeys []str"
    ),
    "PodAntiAffinity": (
        "1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm, "
        "2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm"
    ),
    "PodCertificateProjection": (
        "1 signerName str, 2 keyType str, 3 maxExpirationSeconds int?, 4 credentialBundlePath str, 5 keyPath str, "
        "6 certificateChainPath str, 7 userAnnotations map, 8 user int?"
    ),
    "PodCondition": (
        "1 type str, 7 observedGeneration int, 2 status str, 3 lastProbeTime time, 4 lastTransitionTime time, "
        "5 reason str, 6 message str"
    ),
    "PodDNSConfig": ("1 nameservers []str, 2 searches []str, 3 options []PodDNSConfigOption"),
    "PodDNSConfigOption": ("1 name str, 2 value str?"),
    "PodDisruptionBudget": (
        "1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec, 3 status PodDisruptionBudgetStatus"
    ),
    "PodDisruptionBudgetSpec": (
        "1 minAvailable intOrString?, 2 selector LabelSelector?, 3 maxUnavailable intOrString?, "
        "4 unhealthyPodEvictionPolicy str?"
    ),
    "PodDisruptionBudgetStatus": (
        "1 observedGeneration int, 2 disruptedPods timeMap, 3 disruptionsAllowed int, 4 currentHealthy int, "
        "5 desiredHealthy int, 6 expectedPods int, 7 conditions []Condition"
    ),
    "PodExtendedResourceClaimStatus": ("1 requestMappings []ContainerExtendedResourceRequest, 2 resourceClaimName str"),
    "PodFailurePolicy": ("1 rules []PodFailurePolicyRule"),
    "PodFailurePolicyOnExitCodesRequirement": ("1 containerName str?, 2 operator str, 3 values []int"),
    "PodFailurePolicyOnPodConditionsPattern": ("1 type str, 2 status str"),
    "PodFailurePolicyRule": (
        "1 action str, 2 onExitCodes PodFailurePolicyOnExitCodesRequirement?, "
        "3 onPodConditions []PodFailurePolicyOnPodConditionsPattern"
    ),
    "PodIP": ("1 ip str"),
    "PodOS": ("1 name str"),
    "PodReadinessGate": ("1 conditionType str"),
    "PodResourceClaim": ("1 name str, 3 resourceClaimName str?, 4 resourceClaimTemplateName str?"),
    "PodResourceClaimStatus": ("1 name str, 2 resourceClaimName str?"),
    "PodSchedulingGate": ("1 name str"),
    "PodSchedulingGroup": ("1 podGroupName str?"),
    "PodSecurityContext": (
        "1 seLinuxOptions SELinuxOptions?, 8 windowsOptions WindowsSecurityContextOptions?, 2 runAsUser int?, "
        "6 runAsGroup int?, 3 runAsNonRoot bool?, 4 supplementalGroups []int, 12 supplementalGroupsPolicy str?, "
        "5 fsGroup int?, 7 sysctls []Sysctl, 9 fsGroupChangePolicy str?, 10 seccompProfile SeccompProfile?, "
        "11 appArmorProfile AppArmorProfile?, 13 seLinuxChangePolicy str?"
    ),
    "PodSpec": (
        "1 volumes []Volume, 20 initContainers []Container, 2 containers []Container, "
        "34 ephemeralContainers []EphemeralContainer, 3 restartPolicy str, 4 terminationGracePeriodSeconds int?, "
        "5 activeDeadlineSeconds int?, 6 dnsPolicy str, 7 nodeSelector map, 8 serviceAccountName str, "
        "9 serviceAccount str, 21 automountServiceAccountToken bool?, 10 nodeName str, 11 hostNetwork bool, "
        "12 hostPID bool, 13 hostIPC bool, 27 shareProcessNamespace bool?, "
        "14 securityContext PodSecurityContext?, 15 imagePullSecrets []LocalObjectReference, 16 hostname str, "
        "17 subdomain str, 18 affinity Affinity?, 19 schedulerName str, 22 tolerations []Toleration, "
        "23 hostAliases []HostAlias, 24 priorityClassName str, 25 priority int?, 26 dnsConfig PodDNSConfig?, "
        "28 readinessGates []PodReadinessGate, 29 runtimeClassName str?, 30 enableServiceLinks bool?, "
        "31 preemptionPolicy str?, 32 overhead quantityMap, "
        "33 topologySpreadConstraints []TopologySpreadConstraint, 35 setHostnameAsFQDN bool?, 36 os PodOS?, "
        "37 hostUsers bool?, 38 schedulingGates []PodSchedulingGate, 39 resourceClaims []PodResourceClaim, "
        "40 resources ResourceRequirements?, 41 hostnameOverride str?, 43 schedulingGroup PodSchedulingGroup?, "
        "44 evictionResponders []EvictionResponder"
    ),
    "PodStatus": (
        "17 observedGeneration int, 1 phase str, 2 conditions []PodCondition, 3 message str, 4 reason str, "
        "11 nominatedNodeName str, 5 hostIP str, 16 hostIPs []HostIP, 6 podIP str, 12 podIPs []PodIP, "
        "7 startTime time?, 10 initContainerStatuses []ContainerStatus, 8 containerStatuses []ContainerStatus, "
        "9 qosClass str, 13 ephemeralContainerStatuses []ContainerStatus, 14 resize str, "
        "15 resourceClaimStatuses []PodResourceClaimStatus, "
        "18 extendedResourceClaimStatus PodExtendedResourceClaimStatus?, 19 allocatedResources quantityMap, "
        "20 resources ResourceRequirements?, "
        "21 nodeAllocatableResourceClaimStatuses []NodeAllocatableResourceClaimStatus, "
        "22 volumeHealth []PodVolumeHealth"
    ),
    "PodTemplate": ("1 metadata ObjectMeta, 2 template PodTemplateSpec"),
    "PodTemplateSpec": ("1 metadata ObjectMeta, 2 spec PodSpec"),
    "PodVolumeHealth": ("1 name str, 2 healthConditions []VolumeHealthCondition, 3 lastTransitionTime time"),
    "PolicyRule": (
        "1 verbs []str, 2 apiGroups []str, 3 resources []str, 4 resourceNames []str, 5 nonResourceURLs []str"
    ),
    "PortStatus": ("1 port int, 2 protocol str, 3 error str?"),
    "PortworxVolumeSource": ("1 volumeID str, 2 fsType str, 3 readOnly bool"),
    "Preconditions": ("1 uid str?, 2 resourceVersion str?"),
    "PreferredSchedulingTerm": ("1 weight int, 2 preference NodeSelectorTerm"),
    "PriorityClass": (
        "1 metadata ObjectMeta, 2 value int, 3 globalDefault bool, 4 description str, 5 preemptionPolicy str?"
    ),
    "Probe": (
        "1 - ProbeHandler, 2 initialDelaySeconds int, 3 timeoutSeconds int, 4 periodSeconds int, "
        "5 successThreshold int, 6 failureThreshold int, 7 terminationGracePeriodSeconds int?"
    ),
    "ProbeHandler": ("1 exec ExecAction?, 2 httpGet HTTPGetAction?, 3 tcpSocket TCPSocketAction?, 4 grpc GRPCAction?"),
    "ProjectedVolumeSource": ("1 sources []VolumeProjection, 2 defaultMode int?, 3 defaultUser int?"),
    "QuobyteVolumeSource": ("1 registry str, 2 volume str, 3 readOnly bool, 4 user str, 5 group str, 6 tenant str"),
    "RBDPersistentVolumeSource": (
        "1 monitors []str, 2 image str, 3 fsType str, 4 pool str, 5 user str, 6 keyring str, "
        "7 secretRef SecretReference?, 8 readOnly bool"
    ),
    "RBDVolumeSource": (
        "1 monitors []str, 2 image str, 3 fsType str, 4 pool str, 5 user str, 6 keyring str, "
        "7 secretRef LocalObjectReference?, 8 readOnly bool"
    ),
    "ReplicaSet": ("1 metadata ObjectMeta, 2 spec ReplicaSetSpec, 3 status ReplicaSetStatus"),
    "ReplicaSetCondition": ("1 type str, 2 status str, 3 lastTransitionTime time, 4 reason str, 5 message str"),
    "ReplicaSetSpec": ("1 replicas int?, 4 minReadySeconds int, 2 selector LabelSelector?, 3 template PodTemplateSpec"),
    "ReplicaSetStatus": (
        "1 replicas int, 2 fullyLabeledReplicas int, 4 readyReplicas int, 5 availableReplicas int, "
        "7 terminatingReplicas int?, 3 observedGeneration int, 6 conditions []ReplicaSetCondition"
    ),
    "ReplicationController": (
        "1 metadata ObjectMeta, 2 spec ReplicationControllerSpec, 3 status ReplicationControllerStatus"
    ),
    "ReplicationControllerCondition": (
        "1 type str, 2 status str, 3 lastTransitionTime time, 4 reason str, 5 message str"
    ),
    "ReplicationControllerSpec": (
        "1 replicas int?, 4 minReadySeconds int, 2 selector map, 3 template PodTemplateSpec?"
    ),
    "ReplicationControllerStatus": (
        "1 replicas int, 2 fullyLabeledReplicas int, 4 readyReplicas int, 5 availableReplicas int, "
        "3 observedGeneration int, 6 conditions []ReplicationControllerCondition"
    ),
    "ResourceAttributes": (
        "1 namespace str, 2 verb str, 3 group str, 4 version str, 5 resource str, 6 subresource str, 7 name str, "
        "8 fieldSelector FieldSelectorAttributes?, 9 labelSelector LabelSelectorAttributes?"
    ),
    "ResourceClaim": ("1 name str, 2 request str"),
    "ResourceFieldSelector": ("1 containerName str, 2 resource str, 3 divisor quantity"),
    "ResourceHealth": ("1 resourceID str, 2 health str, 6 message str?"),
    "ResourceQuota": ("1 metadata ObjectMeta, 2 spec ResourceQuotaSpec, 3 status ResourceQuotaStatus"),
    "ResourceQuotaSpec": ("1 hard quantityMap, 2 scopes []str, 3 scopeSelector ScopeSelector?"),
    "ResourceQuotaStatus": ("1 hard quantityMap, 2 used quantityMap"),
    "ResourceRequirements": ("1 limits quantityMap, 2 requests quantityMap, 3 claims []ResourceClaim"),
    "ResourceRule": ("1 verbs []str, 2 apiGroups []str, 3 resources []str, 4 resourceNames []str"),
    "ResourceStatus": ("1 name str, 2 resources []ResourceHealth"),
    "Role": ("1 metadata ObjectMeta, 2 rules []PolicyRule"),
    "RoleBinding": ("1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef"),
    "RoleRef": ("1 apiGroup str, 2 kind str, 3 name str"),
    "RollingUpdateDaemonSet": ("1 maxUnavailable intOrString?, 2 maxSurge intOrString?"),
    "RollingUpdateDeployment": ("1 maxUnavailable intOrString?, 2 maxSurge intOrString?"),
    "RollingUpdateStatefulSetStrategy": ("1 partition int?, 2 maxUnavailable intOrString?"),
    "SELinuxOptions": ("1 user str, 2 role str, 3 type str, 4 level str"),
    "Scale": ("1 metadata ObjectMeta, 2 spec ScaleSpec, 3 status ScaleStatus"),
    "ScaleIOPersistentVolumeSource": (
        "1 gateway str, 2 system str, 3 secretRef SecretReference?, 4 sslEnabled bool, 5 protectionDomain str, "
        "6 storagePool str, 7 storageMode str, 8 volumeName str, 9 fsType str, 10 readOnly bool"
    ),
    "ScaleIOVolumeSource": (
        "1 gateway str, 2 system str, 3 secretRef LocalObjectReference?, 4 sslEnabled bool, "
        "5 protectionDomain str, 6 storagePool str, 7 storageMode str, 8 volumeName str, 9 fsType str, "
        "10 readOnly bool"
    ),
    "ScaleSpec": ("1 replicas int"),
    "ScaleStatus": ("1 replicas int, 2 selector str"),
    "ScopeSelector": ("1 matchExpressions []ScopedResourceSelectorRequirement"),
    "ScopedResourceSelectorRequirement": ("1 scopeName str, 2 operator str, 3 values []str"),
    "SeccompProfile": ("1 type str, 2 localhostProfile str?"),
    "Secret": ("1 metadata ObjectMeta, 5 immutable bool?, 2 data byteMap, 4 stringData map, 3 type str"),
    "SecretEnvSource": ("1 - LocalObjectReference, 2 optional bool?"),
    "SecretKeySelector": ("1 - LocalObjectReference, 2 key str, 3 optional bool?"),
    "SecretProjection": ("1 - LocalObjectReference, 2 items []KeyToPath, 4 optional bool?"),
    "SecretReference": ("1 name str, 2 namespace str"),
    "SecretVolumeSource": (
        "1 secretName str, 2 items []KeyToPath, 3 defaultMode int?, 4 optional bool?, 5 defaultUser int?"
    ),
    "SecurityContext": (
        "1 capabilities Capabilities?, 2 privileged bool?, 3 seLinuxOptions SELinuxOptions?, "
        "10 windowsOptions WindowsSecurityContextOptions?, 4 runAsUser int?, 8 runAsGroup int?, "
        "5 runAsNonRoot bool?, 6 readOnlyRootFilesystem bool?, 7 allowPrivilegeEscalation bool?, "
        "9 procMount str?, 11 seccompProfile SeccompProfile?, 12 appArmorProfile AppArmorProfile?"
    ),
    "SelfSubjectAccessReview": (
        "1 metadata ObjectMeta, 2 spec SelfSubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus"
    ),
    "SelfSubjectAccessReviewSpec": (
        "1 resourceAttributes ResourceAttributes?, 2 nonResourceAttributes NonResourceAttributes?"
    ),
    "SelfSubjectReview": ("1 metadata ObjectMeta, 2 status SelfSubjectReviewStatus"),
    "SelfSubjectReviewStatus": ("1 userInfo UserInfo"),
    "SelfSubjectRulesReview": (
        "1 metadata ObjectMeta, 2 spec SelfSubjectRulesReviewSpec, 3 status SubjectRulesReviewStatus"
    ),
    "SelfSubjectRulesReviewSpec": ("1 namespace str"),
    "Service": ("1 metadata ObjectMeta, 2 spec ServiceSpec, 3 status ServiceStatus"),
    "ServiceAccount": (
        "1 metadata ObjectMeta, 2 secrets []ObjectReference, 3 imagePullSecrets []LocalObjectReference, "
        "4 automountServiceAccountToken bool?"
    ),
    "ServiceAccountTokenProjection": ("1 audience str, 2 expirationSeconds int?, 3 path str, 4 user int?"),
    "ServiceBackendPort": ("1 name str, 2 number int"),
    "ServicePort": (
        "1 name str, 2 protocol str, 6 appProtocol str?, 3 port int, 4 targetPort intOrString, 5 nodePort int"
    ),
    "ServiceSpec": (
        "1 ports []ServicePort, 2 selector map, 3 clusterIP str, 18 clusterIPs []str, 4 type str, "
        "5 externalIPs []str, 7 sessionAffinity str, 8 loadBalancerIP str, 9 loadBalancerSourceRanges []str, "
        "10 externalName str, 11 externalTrafficPolicy str, 12 healthCheckNodePort int, "
        "13 publishNotReadyAddresses bool, 14 sessionAffinityConfig SessionAffinityConfig?, 19 ipFamilies []str, "
        "17 ipFamilyPolicy str?, 20 allocateLoadBalancerNodePorts bool?, 21 loadBalancerClass str?, "
        "22 internalTrafficPolicy str?, 23 trafficDistribution str?"
    ),
    "ServiceStatus": ("1 loadBalancer LoadBalancerStatus, 2 conditions []Condition"),
    "SessionAffinityConfig": ("1 clientIP ClientIPConfig?"),
    "SleepAction": ("1 seconds int"),
    "StatefulSet": ("1 metadata ObjectMeta, 2 spec StatefulSetSpec, 3 status StatefulSetStatus"),
    "StatefulSetCondition": ("1 type str, 2 status str, 3 lastTransitionTime time, 4 reason str, 5 message str"),
    "StatefulSetOrdinals": ("1 start int"),
    "StatefulSetPersistentVolumeClaimRetentionPolicy": ("1 whenDeleted str, 2 whenScaled str"),
    "StatefulSetSpec": (
        "1 replicas int?, 2 selector LabelSelector?, 3 template PodTemplateSpec, "
        "4 volumeClaimTemplates []PersistentVolumeClaim, 5 serviceName str, 6 podManagementPolicy str, "
        "7 updateStrategy StatefulSetUpdateStrategy, 8 revisionHistoryLimit int?, 9 minReadySeconds int, "
        "10 persistentVolumeClaimRetentionPolicy StatefulSetPersistentVolumeClaimRetentionPolicy?, "
        "11 ordinals StatefulSetOrdinals?"
    ),
    "StatefulSetStatus": (
        "1 observedGeneration int, 2 replicas int, 3 readyReplicas int, 4 currentReplicas int, "
        "5 updatedReplicas int, 6 currentRevision str, 7 updateRevision str, 9 collisionCount int?, "
        "10 conditions []StatefulSetCondition, 11 availableReplicas int"
    ),
    "StatefulSetUpdateStrategy": ("1 type str, 2 rollingUpdate RollingUpdateStatefulSetStrategy?"),
    "StorageClass": (
        "1 metadata ObjectMeta, 2 provisioner str, 3 parameters map, 4 reclaimPolicy str?, 5 mountOptions []str, "
        "6 allowVolumeExpansion bool?, 7 volumeBindingMode str?, 8 allowedTopologies []TopologySelectorTerm"
    ),
    "StorageOSPersistentVolumeSource": (
        "1 volumeName str, 2 volumeNamespace str, 3 fsType str, 4 readOnly bool, 5 secretRef ObjectReference?"
    ),
    "StorageOSVolumeSource": (
        "1 volumeName str, 2 volumeNamespace str, 3 fsType str, 4 readOnly bool, 5 secretRef LocalObjectReference?"
    ),
    "Subject": ("1 kind str, 2 apiGroup str, 3 name str, 4 namespace str"),
    "SubjectAccessReview": (
        "1 metadata ObjectMeta, 2 spec SubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus"
    ),
    "SubjectAccessReviewSpec": (
        "1 resourceAttributes ResourceAttributes?, 2 nonResourceAttributes NonResourceAttributes?, 3 user str, "
        "4 groups []str, 5 extra listMap, 6 uid str"
    ),
    "SubjectAccessReviewStatus": ("1 allowed bool, 4 denied bool, 2 reason str, 3 evaluationError str"),
    "SubjectRulesReviewStatus": (
        "1 resourceRules []ResourceRule, 2 nonResourceRules []NonResourceRule, 3 incomplete bool, 4 evaluationError str"
    ),
    "SuccessPolicy": ("1 rules []SuccessPolicyRule"),
    "SuccessPolicyRule": ("1 succeededIndexes str?, 2 succeededCount int?"),
    "Sysctl": ("1 name str, 2 value str"),
    "TCPSocketAction": ("1 port intOrString, 2 host str"),
    "Taint": ("1 key str, 2 value str, 3 effect str, 4 timeAdded time?"),
    "TokenReview": ("1 metadata ObjectMeta, 2 spec TokenReviewSpec, 3 status TokenReviewStatus"),
    "TokenReviewSpec": ("1 token str, 2 audiences []str"),
    "TokenReviewStatus": ("1 authenticated bool, 2 user UserInfo, 4 audiences []str, 3 error str"),
    "Toleration": ("1 key str, 2 operator str, 3 value str, 4 effect str, 5 tolerationSeconds int?"),
    "TopologySelectorLabelRequirement": ("1 key str, 2 values []str"),
    "TopologySelectorTerm": ("1 matchLabelExpressions []TopologySelectorLabelRequirement"),
    "TopologySpreadConstraint": (
        "1 maxSkew int, 2 topologyKey str, 3 whenUnsatisfiable str, 4 labelSelector LabelSelector?, "
        "5 minDomains int?, 6 nodeAffinityPolicy str?, 7 nodeTaintsPolicy str?, 8 matchLabelKeys []str"
    ),
    "TypedLocalObjectReference": ("1 apiGroup str?, 2 kind str, 3 name str"),
    "TypedObjectReference": ("1 apiGroup str?, 2 kind str, 3 name str, 4 namespace str?"),
    "UncountedTerminatedPods": ("1 succeeded []str, 2 failed []str"),
    "UserInfo": ("1 username str, 2 uid str, 3 groups []str, 4 extra listMap"),
    "Volume": ("1 name str, 2 - VolumeSource"),
    "VolumeDevice": ("1 name str, 2 devicePath str"),
    "VolumeHealthCondition": ("1 status str, 2 reason str, 3 message str"),
    "VolumeHealthStatus": ("1 healthConditions []VolumeHealthCondition, 2 lastTransitionTime time"),
    "VolumeMount": (
        "1 name str, 2 readOnly bool, 7 recursiveReadOnly str?, 3 mountPath str, 4 subPath str, "
        "5 mountPropagation str?, 6 subPathExpr str, 8 bindMountOptions []str"
    ),
    "VolumeMountStatus": (
        "1 name str, 2 mountPath str, 3 readOnly bool, 4 recursiveReadOnly str?, 5 volumeStatus VolumeStatus?"
    ),
    "VolumeNodeAffinity": ("1 required NodeSelector?"),
    "VolumeProjection": (
        "1 secret SecretProjection?, 2 downwardAPI DownwardAPIProjection?, 3 configMap ConfigMapProjection?, "
        "4 serviceAccountToken ServiceAccountTokenProjection?, "
        "5 clusterTrustBundle ClusterTrustBundleProjection?, 6 podCertificate PodCertificateProjection?"
    ),
    "VolumeResourceRequirements": ("1 limits quantityMap, 2 requests quantityMap"),
    "VolumeSource": (
        "1 hostPath HostPathVolumeSource?, 2 emptyDir EmptyDirVolumeSource?, "
        "3 gcePersistentDisk GCEPersistentDiskVolumeSource?, "
        "4 awsElasticBlockStore AWSElasticBlockStoreVolumeSource?, 5 gitRepo GitRepoVolumeSource?, "
        "6 secret SecretVolumeSource?, 7 nfs NFSVolumeSource?, 8 iscsi ISCSIVolumeSource?, "
        "9 glusterfs GlusterfsVolumeSource?, 10 persistentVolumeClaim PersistentVolumeClaimVolumeSource?, "
        "11 rbd RBDVolumeSource?, 12 flexVolume FlexVolumeSource?, 13 cinder CinderVolumeSource?, "
        "14 cephfs CephFSVolumeSource?, 15 flocker FlockerVolumeSource?, 16 downwardAPI DownwardAPIVolumeSource?, "
        "17 fc FCVolumeSource?, 18 azureFile AzureFileVolumeSource?, 19 configMap ConfigMapVolumeSource?, "
        "20 vsphereVolume VsphereVirtualDiskVolumeSource?, 21 quobyte QuobyteVolumeSource?, "
        "22 azureDisk AzureDiskVolumeSource?, 23 photonPersistentDisk PhotonPersistentDiskVolumeSource?, "
        "26 projected ProjectedVolumeSource?, 24 portworxVolume PortworxVolumeSource?, "
        "25 scaleIO ScaleIOVolumeSource?, 27 storageos StorageOSVolumeSource?, 28 csi CSIVolumeSource?, "
        "29 ephemeral EphemeralVolumeSource?, 30 image ImageVolumeSource?"
    ),
    "VolumeStatus": ("1 image ImageVolumeStatus?"),
    "VsphereVirtualDiskVolumeSource": (
        "1 volumePath str, 2 fsType str, 3 storagePolicyName str, 4 storagePolicyID str"
    ),
    "WeightedPodAffinityTerm": ("1 weight int, 2 podAffinityTerm PodAffinityTerm"),
    "WindowsSecurityContextOptions": (
        "1 gmsaCredentialSpecName str?, 2 gmsaCredentialSpec str?, 3 runAsUserName str?, 4 hostProcess bool?"
    ),
    "authentication/v1:BoundObjectReference": ("1 kind str, 2 apiVersion str, 3 name str, 4 uid str"),
    "authentication/v1:TokenRequest": (
        "1 metadata ObjectMeta, 2 spec authentication/v1:TokenRequestSpec, "
        "3 status authentication/v1:TokenRequestStatus"
    ),
    "authentication/v1:TokenRequestSpec": (
        "1 audiences []str, 4 expirationSeconds int?, 3 boundObjectRef authentication/v1:BoundObjectReference?"
    ),
    "authentication/v1:TokenRequestStatus": ("1 token str, 2 expirationTimestamp time"),
    "autoscaling/v2:ContainerResourceMetricSource": (
        "1 name str, 2 target autoscaling/v2:MetricTarget, 3 container str"
    ),
    "autoscaling/v2:ContainerResourceMetricStatus": (
        "1 name str, 2 current autoscaling/v2:MetricValueStatus, 3 container str"
    ),
    "autoscaling/v2:CrossVersionObjectReference": ("1 kind str, 2 name str, 3 apiVersion str"),
    "autoscaling/v2:ExternalMetricSource": (
        "1 metric autoscaling/v2:MetricIdentifier, 2 target autoscaling/v2:MetricTarget"
    ),
    "autoscaling/v2:ExternalMetricStatus": (
        "1 metric autoscaling/v2:MetricIdentifier, 2 current autoscaling/v2:MetricValueStatus"
    ),
    "autoscaling/v2:HPAScalingPolicy": ("1 type str, 2 value int, 3 periodSeconds int"),
    "autoscaling/v2:HPAScalingRules": (
        "3 stabilizationWindowSeconds int?, 1 selectPolicy str?, 2 policies []autoscaling/v2:HPAScalingPolicy, "
        "4 tolerance quantity?"
    ),
    "autoscaling/v2:HorizontalPodAutoscaler": (
        "1 metadata ObjectMeta, 2 spec autoscaling/v2:HorizontalPodAutoscalerSpec, "
        "3 status autoscaling/v2:HorizontalPodAutoscalerStatus"
    ),
    "autoscaling/v2:HorizontalPodAutoscalerBehavior": (
        "1 scaleUp autoscaling/v2:HPAScalingRules?, 2 scaleDown autoscaling/v2:HPAScalingRules?"
    ),
    "autoscaling/v2:HorizontalPodAutoscalerCondition": (
        "1 type str, 2 status str, 3 lastTransitionTime time, 4 reason str, 5 message str, 6 observedGeneration int?"
    ),
    "autoscaling/v2:HorizontalPodAutoscalerSpec": (
        "1 scaleTargetRef autoscaling/v2:CrossVersionObjectReference, 2 minReplicas int?, 3 maxReplicas int, "
        "4 metrics []autoscaling/v2:MetricSpec, 5 behavior autoscaling/v2:HorizontalPodAutoscalerBehavior?"
    ),
    "autoscaling/v2:HorizontalPodAutoscalerStatus": (
        "1 observedGeneration int?, 2 lastScaleTime time?, 3 currentReplicas int, 4 desiredReplicas int, "
        "5 currentMetrics []autoscaling/v2:MetricStatus, "
        "6 conditions []autoscaling/v2:HorizontalPodAutoscalerCondition"
    ),
    "autoscaling/v2:MetricIdentifier": ("1 name str, 2 selector LabelSelector?"),
    "autoscaling/v2:MetricSpec": (
        "1 type str, 2 object autoscaling/v2:ObjectMetricSource?, 3 pods autoscaling/v2:PodsMetricSource?, "
        "4 resource autoscaling/v2:ResourceMetricSource?, "
        "7 containerResource autoscaling/v2:ContainerResourceMetricSource?, "
        "5 external autoscaling/v2:ExternalMetricSource?"
    ),
    "autoscaling/v2:MetricStatus": (
        "1 type str, 2 object autoscaling/v2:ObjectMetricStatus?, 3 pods autoscaling/v2:PodsMetricStatus?, "
        "4 resource autoscaling/v2:ResourceMetricStatus?, "
        "7 containerResource autoscaling/v2:ContainerResourceMetricStatus?, "
        "5 external autoscaling/v2:ExternalMetricStatus?"
    ),
    "autoscaling/v2:MetricTarget": (
        "1 type str, 2 value quantity?, 3 averageValue quantity?, 4 averageUtilization int?"
    ),
    "autoscaling/v2:MetricValueStatus": ("1 value quantity?, 2 averageValue quantity?, 3 averageUtilization int?"),
    "autoscaling/v2:ObjectMetricSource": (
        "1 describedObject autoscaling/v2:CrossVersionObjectReference, 2 target autoscaling/v2:MetricTarget, "
        "3 metric autoscaling/v2:MetricIdentifier"
    ),
    "autoscaling/v2:ObjectMetricStatus": (
        "1 metric autoscaling/v2:MetricIdentifier, 2 current autoscaling/v2:MetricValueStatus, "
        "3 describedObject autoscaling/v2:CrossVersionObjectReference"
    ),
    "autoscaling/v2:PodsMetricSource": (
        "1 metric autoscaling/v2:MetricIdentifier, 2 target autoscaling/v2:MetricTarget"
    ),
    "autoscaling/v2:PodsMetricStatus": (
        "1 metric autoscaling/v2:MetricIdentifier, 2 current autoscaling/v2:MetricValueStatus"
    ),
    "autoscaling/v2:ResourceMetricSource": ("1 name str, 2 target autoscaling/v2:MetricTarget"),
    "autoscaling/v2:ResourceMetricStatus": ("1 name str, 2 current autoscaling/v2:MetricValueStatus"),
    "discovery/v1:Endpoint": (
        "1 addresses []str, 2 conditions discovery/v1:EndpointConditions, 3 hostname str?, "
        "4 targetRef ObjectReference?, 5 deprecatedTopology map, 6 nodeName str?, 7 zone str?, "
        "8 hints discovery/v1:EndpointHints?"
    ),
    "discovery/v1:EndpointConditions": ("1 ready bool?, 2 serving bool?, 3 terminating bool?"),
    "discovery/v1:EndpointHints": ("1 forZones []discovery/v1:ForZone, 2 forNodes []discovery/v1:ForNode"),
    "discovery/v1:EndpointPort": ("1 name str?, 2 protocol str?, 3 port int?, 4 appProtocol str?"),
    "discovery/v1:EndpointSlice": (
        "1 metadata ObjectMeta, 4 addressType str, 2 endpoints []discovery/v1:Endpoint, "
        "3 ports []discovery/v1:EndpointPort"
    ),
    "discovery/v1:ForNode": ("1 name str"),
    "discovery/v1:ForZone": ("1 name str"),
    "events/v1:Event": (
        "1 metadata ObjectMeta, 2 eventTime microTime, 3 series events/v1:EventSeries?, "
        "4 reportingController str, 5 reportingInstance str, 6 action str, 7 reason str, "
        "8 regarding ObjectReference, 9 related ObjectReference?, 10 note str, 11 type str, "
        "12 deprecatedSource EventSource, 13 deprecatedFirstTimestamp time, 14 deprecatedLastTimestamp time, "
        "15 deprecatedCount int"
    ),
    "events/v1:EventSeries": ("1 count int, 2 lastObservedTime microTime"),
}
