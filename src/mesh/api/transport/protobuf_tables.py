"""Kubernetes' protobuf messages: numbers, names and types of their fields.

Written by `python -m tools.protobuf_tables` from k8s.io/api v0.37.2; see `mesh.api.transport.protobuf`
for the notation."""

TABLES = {
    "AWSElasticBlockStoreVolumeSource": ("1 volumeID str, 2 fsType str, 3 partition int, 4 readOnly bool"),
    "Affinity": ("1 nodeAffinity NodeAffinity?, 2 podAffinity PodAffinity?, 3 podAntiAffinity PodAntiAffinity?"),
    "AppArmorProfile": ("1 type str, 2 localhostProfile str?"),
    "AzureDiskVolumeSource": (
        "1 diskName str, 2 diskURI str, 3 cachingMode str?, 4 fsType str?, 5 readOnly bool?, 6 kind str?"
    ),
    "AzureFileVolumeSource": ("1 secretName str, 2 shareName str, 3 readOnly bool"),
    "CSIVolumeSource": (
        "1 driver str, 2 readOnly bool?, 3 fsType str?, 4 volumeAttributes map, "
        "5 nodePublishSecretRef LocalObjectReference?"
    ),
    "Capabilities": ("1 add []str, 2 drop []str"),
    "CephFSVolumeSource": (
        "1 monitors []str, 2 path str, 3 user str, 4 secretFile str, 5 secretRef LocalObjectReference?, 6 readOnly bool"
    ),
    "CinderVolumeSource": ("1 volumeID str, 2 fsType str, 3 readOnly bool, 4 secretRef LocalObjectReference?"),
    "ClientIPConfig": ("1 timeoutSeconds int?"),
    "ClusterTrustBundleProjection": (
        "1 name str?, 2 signerName str?, 3 labelSelector LabelSelector?, 5 optional bool?, 4 path str, 6 user int?"
    ),
    "ConfigMap": ("1 metadata ObjectMeta, 4 immutable bool?, 2 data map, 3 binaryData byteMap"),
    "ConfigMapEnvSource": ("1 - LocalObjectReference, 2 optional bool?"),
    "ConfigMapKeySelector": ("1 - LocalObjectReference, 2 key str, 3 optional bool?"),
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
    "ContainerPort": ("1 name str, 2 hostPort int, 3 containerPort int, 4 protocol str, 5 hostIP str"),
    "ContainerResizePolicy": ("1 resourceName str, 2 restartPolicy str"),
    "ContainerRestartRule": ("0 nothing str"),
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
    "CronJob": ("1 metadata ObjectMeta, 2 spec CronJobSpec, 3 status CronJobStatus"),
    "CronJobSpec": (
        "1 schedule str, 8 timeZone str?, 2 startingDeadlineSeconds int?, 3 concurrencyPolicy str, "
        "4 suspend bool?, 5 jobTemplate JobTemplateSpec, 6 successfulJobsHistoryLimit int?, "
        "7 failedJobsHistoryLimit int?"
    ),
    "CronJobStatus": ("1 active []ObjectReference, 4 lastScheduleTime time?, 5 lastSuccessfulTime time?"),
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
    "Eviction": ("1 metadata ObjectMeta, 2 deleteOptions DeleteOptions?"),
    "EvictionResponder": ("1 name str, 2 priority int?"),
    "ExecAction": ("1 command []str"),
    "FCVolumeSource": ("1 targetWWNs []str, 2 lun int?, 3 fsType str, 4 readOnly bool, 5 wwids []str"),
    "FileKeySelector": ("1 volumeName str, 2 path str, 3 key str, 4 optional bool?"),
    "FlexVolumeSource": (
        "1 driver str, 2 fsType str, 3 secretRef LocalObjectReference?, 4 readOnly bool, 5 options map"
    ),
    "FlockerVolumeSource": ("1 datasetName str, 2 datasetUUID str"),
    "GCEPersistentDiskVolumeSource": ("1 pdName str, 2 fsType str, 3 partition int, 4 readOnly bool"),
    "GRPCAction": ("1 port int, 2 service str?, 3 mode str?"),
    "GitRepoVolumeSource": ("1 repository str, 2 revision str, 3 directory str"),
    "GlusterfsVolumeSource": ("1 endpoints str, 2 path str, 3 readOnly bool"),
    "HTTPGetAction": (
        "1 path str, 2 port intOrString, 3 host str, 4 scheme str, 5 httpHeaders []HTTPHeader, 6 protocol str?"
    ),
    "HTTPHeader": ("1 name str, 2 value str"),
    "HTTPIngressPath": ("1 path str, 3 pathType str?, 2 backend IngressBackend"),
    "HTTPIngressRuleValue": ("1 paths []HTTPIngressPath"),
    "HostAlias": ("1 ip str, 2 hostnames []str"),
    "HostIP": ("1 ip str"),
    "HostPathVolumeSource": ("1 path str, 2 type str?"),
    "ISCSIVolumeSource": (
        "1 targetPortal str, 2 iqn str, 3 lun int, 4 iscsiInterface str, 5 fsType str, 6 readOnly bool, "
        "7 portals []str, 8 chapAuthDiscovery bool, 11 chapAuthSession bool, 10 secretRef LocalObjectReference?, "
        "12 initiatorName str?"
    ),
    "ImageVolumeSource": ("1 reference str, 2 pullPolicy str"),
    "ImageVolumeStatus": ("1 imageRef str"),
    "Ingress": ("1 metadata ObjectMeta, 2 spec IngressSpec, 3 status IngressStatus"),
    "IngressBackend": ("4 service IngressServiceBackend?, 3 resource TypedLocalObjectReference?"),
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
    "Lifecycle": ("1 postStart LifecycleHandler?, 2 preStop LifecycleHandler?, 3 stopSignal str?"),
    "LifecycleHandler": (
        "1 exec ExecAction?, 2 httpGet HTTPGetAction?, 3 tcpSocket TCPSocketAction?, 4 sleep SleepAction?"
    ),
    "LinuxContainerUser": ("1 uid int, 2 gid int, 3 supplementalGroups []int"),
    "LoadBalancerIngress": ("1 ip str, 2 hostname str, 3 ipMode str?, 4 ports []PortStatus"),
    "LoadBalancerStatus": ("1 ingress []LoadBalancerIngress"),
    "LocalObjectReference": ("1 name str"),
    "ModifyVolumeStatus": ("1 targetVolumeAttributesClassName str, 2 status str"),
    "NFSVolumeSource": ("1 server str, 2 path str, 3 readOnly bool"),
    "Namespace": ("1 metadata ObjectMeta, 2 spec NamespaceSpec, 3 status NamespaceStatus"),
    "NamespaceCondition": ("1 type str, 2 status str, 4 lastTransitionTime time, 5 reason str, 6 message str"),
    "NamespaceSpec": ("1 finalizers []str"),
    "NamespaceStatus": ("1 phase str, 2 conditions []NamespaceCondition"),
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
    "NodeSelector": ("1 nodeSelectorTerms []NodeSelectorTerm"),
    "NodeSelectorRequirement": ("1 key str, 2 operator str, 3 values []str"),
    "NodeSelectorTerm": ("1 matchExpressions []NodeSelectorRequirement, 2 matchFields []NodeSelectorRequirement"),
    "ObjectFieldSelector": ("1 apiVersion str, 2 fieldPath str"),
    "ObjectReference": (
        "1 kind str, 2 namespace str, 3 name str, 4 uid str, 5 apiVersion str, 6 resourceVersion str, 7 fieldPath str"
    ),
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
        "5 allocatedResources quantityMap, 8 currentVolumeAttributesClassName str?, "
        "9 modifyVolumeStatus ModifyVolumeStatus?, 10 healthStatus VolumeHealthStatus?"
    ),
    "PersistentVolumeClaimTemplate": ("1 metadata ObjectMeta, 2 spec PersistentVolumeClaimSpec"),
    "PersistentVolumeClaimVolumeSource": ("1 claimName str, 2 readOnly bool"),
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
        "1 observedGeneration int, 3 disruptionsAllowed int, 4 currentHealthy int, 5 desiredHealthy int, "
        "6 expectedPods int"
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
    "PodTemplateSpec": ("1 metadata ObjectMeta, 2 spec PodSpec"),
    "PodVolumeHealth": ("1 name str, 2 healthConditions []VolumeHealthCondition, 3 lastTransitionTime time"),
    "PortStatus": ("1 port int, 2 protocol str, 3 error str?"),
    "PortworxVolumeSource": ("1 volumeID str, 2 fsType str, 3 readOnly bool"),
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
    "ResourceClaim": ("1 name str, 2 request str"),
    "ResourceFieldSelector": ("1 containerName str, 2 resource str, 3 divisor quantity"),
    "ResourceHealth": ("1 resourceID str, 2 health str, 6 message str?"),
    "ResourceQuota": ("1 metadata ObjectMeta, 2 spec ResourceQuotaSpec, 3 status ResourceQuotaStatus"),
    "ResourceQuotaSpec": ("1 hard quantityMap, 2 scopes []str, 3 scopeSelector ScopeSelector?"),
    "ResourceQuotaStatus": ("1 hard quantityMap, 2 used quantityMap"),
    "ResourceRequirements": ("1 limits quantityMap, 2 requests quantityMap, 3 claims []ResourceClaim"),
    "ResourceStatus": ("1 name str, 2 resources []ResourceHealth"),
    "RollingUpdateDaemonSet": ("1 maxUnavailable intOrString?, 2 maxSurge intOrString?"),
    "RollingUpdateDeployment": ("1 maxUnavailable intOrString?, 2 maxSurge intOrString?"),
    "RollingUpdateStatefulSetStrategy": ("1 partition int?, 2 maxUnavailable intOrString?"),
    "SELinuxOptions": ("1 user str, 2 role str, 3 type str, 4 level str"),
    "ScaleIOVolumeSource": (
        "1 gateway str, 2 system str, 3 secretRef LocalObjectReference?, 4 sslEnabled bool, "
        "5 protectionDomain str, 6 storagePool str, 7 storageMode str, 8 volumeName str, 9 fsType str, "
        "10 readOnly bool"
    ),
    "ScopeSelector": ("1 matchExpressions []ScopedResourceSelectorRequirement"),
    "ScopedResourceSelectorRequirement": ("1 scopeName str, 2 operator str, 3 values []str"),
    "SeccompProfile": ("1 type str, 2 localhostProfile str?"),
    "Secret": ("1 metadata ObjectMeta, 5 immutable bool?, 2 data byteMap, 4 stringData map, 3 type str"),
    "SecretEnvSource": ("1 - LocalObjectReference, 2 optional bool?"),
    "SecretKeySelector": ("1 - LocalObjectReference, 2 key str, 3 optional bool?"),
    "SecretProjection": ("1 - LocalObjectReference, 2 items []KeyToPath, 4 optional bool?"),
    "SecretVolumeSource": (
        "1 secretName str, 2 items []KeyToPath, 3 defaultMode int?, 4 optional bool?, 5 defaultUser int?"
    ),
    "SecurityContext": (
        "1 capabilities Capabilities?, 2 privileged bool?, 3 seLinuxOptions SELinuxOptions?, "
        "10 windowsOptions WindowsSecurityContextOptions?, 4 runAsUser int?, 8 runAsGroup int?, "
        "5 runAsNonRoot bool?, 6 readOnlyRootFilesystem bool?, 7 allowPrivilegeEscalation bool?, "
        "9 procMount str?, 11 seccompProfile SeccompProfile?, 12 appArmorProfile AppArmorProfile?"
    ),
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
    "ServiceStatus": ("1 loadBalancer LoadBalancerStatus"),
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
    "StorageOSVolumeSource": (
        "1 volumeName str, 2 volumeNamespace str, 3 fsType str, 4 readOnly bool, 5 secretRef LocalObjectReference?"
    ),
    "SuccessPolicy": ("1 rules []SuccessPolicyRule"),
    "SuccessPolicyRule": ("1 succeededIndexes str?, 2 succeededCount int?"),
    "Sysctl": ("1 name str, 2 value str"),
    "TCPSocketAction": ("1 port intOrString, 2 host str"),
    "Toleration": ("1 key str, 2 operator str, 3 value str, 4 effect str, 5 tolerationSeconds int?"),
    "TopologySpreadConstraint": (
        "1 maxSkew int, 2 topologyKey str, 3 whenUnsatisfiable str, 4 labelSelector LabelSelector?, "
        "5 minDomains int?, 6 nodeAffinityPolicy str?, 7 nodeTaintsPolicy str?, 8 matchLabelKeys []str"
    ),
    "TypedLocalObjectReference": ("1 apiGroup str?, 2 kind str, 3 name str"),
    "TypedObjectReference": ("1 apiGroup str?, 2 kind str, 3 name str, 4 namespace str?"),
    "UncountedTerminatedPods": ("1 succeeded []str, 2 failed []str"),
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
}
