"""The parts of a Pod that the mesh does not read (Kubernetes core/v1), in the notation of `grammar`."""

TEXT = """
Affinity: nodeAffinity NodeAffinity, podAffinity PodAffinity, podAntiAffinity PodAffinity
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution NodeSelector,
 preferredDuringSchedulingIgnoredDuringExecution [PreferredSchedulingTerm]
NodeSelector: nodeSelectorTerms [NodeSelectorTerm]!
NodeSelectorTerm: matchExpressions [NodeSelectorRequirement], matchFields [NodeSelectorRequirement]
NodeSelectorRequirement: key str!, operator str!, values [str]
PreferredSchedulingTerm: weight int32!, preference NodeSelectorTerm
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution [PodAffinityTerm],
 preferredDuringSchedulingIgnoredDuringExecution [WeightedPodAffinityTerm]
WeightedPodAffinityTerm: weight int32!, podAffinityTerm PodAffinityTerm
PodAffinityTerm: labelSelector LabelSelector, namespaces [str], topologyKey str!, namespaceSelector LabelSelector,
 matchLabelKeys [str], mismatchLabelKeys [str]
Toleration: key str, operator str, value str, effect str, tolerationSeconds int?
TopologySpreadConstraint: maxSkew int32!, topologyKey str!, whenUnsatisfiable str!, labelSelector LabelSelector,
 minDomains int32?, nodeAffinityPolicy str?, nodeTaintsPolicy str?, matchLabelKeys [str]
PodDNSConfig: nameservers [str], searches [str], options [PodDNSConfigOption]
PodDNSConfigOption: name str, value str?
HostAlias: ip str!, hostnames [str]
PodReadinessGate: conditionType str!
PodSchedulingGate: name str!
PodOS: name str!
PodResourceClaim: name str!, resourceClaimName str?, resourceClaimTemplateName str?
PodSchedulingGroup: podGroupName str?
Sysctl: name str!, value str!
SeccompProfile: type str!, localhostProfile str?
AppArmorProfile: type str!, localhostProfile str?
SELinuxOptions: user str, role str, type str, level str
WindowsOptions: gmsaCredentialSpecName str?, gmsaCredentialSpec str?, runAsUserName str?, hostProcess bool?
Capabilities: add [str], drop [str]
ContainerResizePolicy: resourceName str!, restartPolicy str!
ContainerRestartRule: action str, exitCodes ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes: operator str, values [int32]
VolumeDevice: name str!, devicePath str!
ResourceClaim: name str!, request str
FileKeySelector: volumeName str!, path str!, key str!, optional bool?
ProjectedVolumeSource: sources [VolumeProjection], defaultMode int32?, defaultUser int?
VolumeProjection: secret KeyProjection, configMap KeyProjection, downwardAPI DownwardAPIProjection,
 serviceAccountToken ServiceAccountTokenProjection, clusterTrustBundle ClusterTrustBundleProjection,
 podCertificate PodCertificateProjection
KeyProjection: name str, items [KeyToPath], optional bool?
DownwardAPIProjection: items [DownwardAPIVolumeFile]
DownwardAPIVolumeSource: items [DownwardAPIVolumeFile], defaultMode int32?, defaultUser int?
DownwardAPIVolumeFile: path str!, fieldRef ObjectFieldSelector, resourceFieldRef ResourceFieldSelector, mode int32?,
 user int?
ServiceAccountTokenProjection: audience str, expirationSeconds int?, path str!, user int?
ClusterTrustBundleProjection: name str?, signerName str?, labelSelector LabelSelector, optional bool?, path str!
PodCertificateProjection: signerName str, keyType str, maxExpirationSeconds int32?, credentialBundlePath str,
 keyPath str, certificateChainPath str, userAnnotations {str}
PersistentVolumeClaimVolumeSource: claimName str!, readOnly bool
CSIVolumeSource: driver str!, readOnly bool?, fsType str?, volumeAttributes {str}, nodePublishSecretRef LocalName
EphemeralVolumeSource: volumeClaimTemplate PersistentVolumeClaimTemplate
PersistentVolumeClaimTemplate: metadata ObjectMeta, spec PersistentVolumeClaimSpec
PersistentVolumeClaimSpec: accessModes [str], selector LabelSelector, resources VolumeResourceRequirements,
 volumeName str, storageClassName str?, volumeMode str?, dataSource TypedLocalObjectReference,
 dataSourceRef TypedObjectReference, volumeAttributesClassName str?
VolumeResourceRequirements: limits {quantity}, requests {quantity}
TypedLocalObjectReference: apiGroup str?, kind str!, name str!
TypedObjectReference: apiGroup str?, kind str!, name str!, namespace str?
LocalName: name str
NFSVolumeSource: server str!, path str!, readOnly bool
ImageVolumeSource: reference str, pullPolicy str
AWSElasticBlockStoreVolumeSource: volumeID str!, fsType str, partition int32, readOnly bool
AzureDiskVolumeSource: diskName str!, diskURI str!, cachingMode str?, fsType str?, readOnly bool?, kind str?
AzureFileVolumeSource: secretName str!, shareName str!, readOnly bool
CephFSVolumeSource: monitors [str]!, path str, user str, secretFile str, secretRef LocalName, readOnly bool
CinderVolumeSource: volumeID str!, fsType str, readOnly bool, secretRef LocalName
FCVolumeSource: targetWWNs [str], lun int32?, fsType str, readOnly bool, wwids [str]
FlexVolumeSource: driver str!, fsType str, secretRef LocalName, readOnly bool, options {str}
FlockerVolumeSource: datasetName str, datasetUUID str
GCEPersistentDiskVolumeSource: pdName str!, fsType str, partition int32, readOnly bool
GitRepoVolumeSource: repository str!, revision str, directory str
GlusterfsVolumeSource: endpoints str!, path str!, readOnly bool
ISCSIVolumeSource: targetPortal str!, iqn str!, lun int32!, iscsiInterface str, fsType str, readOnly bool,
 portals [str], chapAuthDiscovery bool, chapAuthSession bool, secretRef LocalName, initiatorName str?
PhotonPersistentDiskVolumeSource: pdID str!, fsType str
PortworxVolumeSource: volumeID str!, fsType str, readOnly bool
QuobyteVolumeSource: registry str!, volume str!, readOnly bool, user str, group str, tenant str
RBDVolumeSource: monitors [str]!, image str!, fsType str, pool str, user str, keyring str, secretRef LocalName,
 readOnly bool
ScaleIOVolumeSource: gateway str!, system str!, secretRef LocalName, sslEnabled bool, protectionDomain str,
 storagePool str, storageMode str, volumeName str, fsType str, readOnly bool
StorageOSVolumeSource: volumeName str, volumeNamespace str, fsType str, readOnly bool, secretRef LocalName
VsphereVirtualDiskVolumeSource: volumePath str!, fsType str, storagePolicyName str, storagePolicyID str
"""
