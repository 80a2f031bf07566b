"""Kinds of Kubernetes that have no effect here, in the notation of `grammar`: without apiVersion, kind and metadata."""

TEXT = """
ResourceQuota: spec ResourceQuotaSpec, status any
ResourceQuotaSpec: hard {quantity}, scopes [str], scopeSelector ScopeSelector
ScopeSelector: matchExpressions [ScopeRequirement]
ScopeRequirement: scopeName str!, operator str!, values [str]
LimitRange: spec LimitRangeSpec
LimitRangeSpec: limits [LimitRangeItem]!
LimitRangeItem: type str!, max {quantity}, min {quantity}, default {quantity}, defaultRequest {quantity},
 maxLimitRequestRatio {quantity}
PodTemplate: template PodTemplateSpec
PriorityClass: value int32!, globalDefault bool, description str, preemptionPolicy str?
Lease: spec LeaseSpec
LeaseSpec: holderIdentity str?, leaseDurationSeconds int32?, acquireTime microtime, renewTime microtime,
 leaseTransitions int32?, strategy str?, preferredHolder str?
Role: rules [PolicyRule]!
ClusterRole: rules [PolicyRule]!, aggregationRule AggregationRule
AggregationRule: clusterRoleSelectors [LabelSelector]
PolicyRule: verbs [str]!, apiGroups [str], resources [str], resourceNames [str], nonResourceURLs [str]
RoleBinding: subjects [Subject], roleRef RoleRef
ClusterRoleBinding: subjects [Subject], roleRef RoleRef
Subject: kind str!, apiGroup str, name str!, namespace str
RoleRef: apiGroup str!, kind str!, name str!
ValidatingWebhookConfiguration: webhooks [Webhook]
MutatingWebhookConfiguration: webhooks [Webhook]
Webhook: name str!, clientConfig WebhookClientConfig, rules [RuleWithOperations], failurePolicy str?,
 matchPolicy str?, namespaceSelector LabelSelector, objectSelector LabelSelector, sideEffects str?,
 timeoutSeconds int32?, admissionReviewVersions [str]!, matchConditions [MatchCondition], reinvocationPolicy str?
WebhookClientConfig: url str?, service WebhookService, caBundle bytes
WebhookService: namespace str!, name str!, path str?, port int32?
RuleWithOperations: operations [str], apiGroups [str], apiVersions [str], resources [str], scope str?
MatchCondition: name str!, expression str!
Node: spec NodeSpec, status any
NodeSpec: podCIDR str, podCIDRs [str], providerID str, unschedulable bool, taints [Taint], configSource any,
 externalID str
Taint: key str!, value str, effect str!, timeAdded time
NetworkPolicy: spec NetworkPolicySpec
NetworkPolicySpec: podSelector LabelSelector, ingress [NetworkPolicyIngressRule], egress [NetworkPolicyEgressRule],
 policyTypes [str]
NetworkPolicyIngressRule: ports [NetworkPolicyPort], from [NetworkPolicyPeer]
NetworkPolicyEgressRule: ports [NetworkPolicyPort], to [NetworkPolicyPeer]
NetworkPolicyPort: protocol str?, port intstr, endPort int32?
NetworkPolicyPeer: podSelector LabelSelector, namespaceSelector LabelSelector, ipBlock IPBlock
IPBlock: cidr str!, except [str]
CustomResourceDefinition: spec DefinitionSpec, status any
DefinitionSpec: group str!, names DefinitionNames, scope str!, versions [DefinitionVersion]!,
 conversion DefinitionConversion, preserveUnknownFields bool
DefinitionNames: plural str!, singular str, shortNames [str], kind str!, listKind str, categories [str]
DefinitionVersion: name str!, served bool!, storage bool!, deprecated bool, deprecationWarning str?,
 schema DefinitionSchema, subresources DefinitionSubresources, additionalPrinterColumns [DefinitionColumn],
 selectableFields [SelectableField]
DefinitionSchema: openAPIV3Schema any
DefinitionSubresources: status any!, scale DefinitionScale
DefinitionScale: specReplicasPath str!, statusReplicasPath str!, labelSelectorPath str?
DefinitionColumn: name str!, type str!, format str, description str, priority int32, jsonPath str!
SelectableField: jsonPath str!
DefinitionConversion: strategy str!, webhook any
"""
