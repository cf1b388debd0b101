package main

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// fault is one that a policy could have, and where it has to be noticed.
type fault struct {
	name   string
	change func(*admissionv1.ValidatingAdmissionPolicySpec, *set)
	found  func(*schemas, *set, []question) bool
}

// created says whether a server would refuse to create a policy of the set.
func created(_ *schemas, set *set, _ []question) bool {
	for _, one := range targets {
		if len(refusals(set.policies[0], one.known)) > 0 {
			return true
		}
	}
	return false
}

// typedWrong says whether the status of the policy would have a warning.
func typedWrong(schemas *schemas, set *set, _ []question) bool {
	return len(schemas.warnings(set.policies[0])) > 0
}

// answered says whether a question is answered otherwise.
func answered(_ *schemas, set *set, questions []question) bool {
	server, err := start(set)
	if err != nil {
		return false
	}
	defer server.close()
	for _, one := range questions {
		if one.Set != 0 || one.Policy != set.policies[0].Name {
			continue
		}
		if _, wrong := server.ask(set, one); len(wrong) > 0 {
			return true
		}
	}
	return false
}

// faults are one of each kind.
var faults = []fault{
	{"a condition that knows a variable", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.MatchConditions[0].Expression = "variables." + spec.Variables[0].Name + " != ''"
	}, created},
	{"a variable before it is there", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		last := len(spec.Variables) - 1
		spec.Variables[0].Expression = "variables." + spec.Variables[last].Name
	}, created},
	{"a validation that is no truth", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.Validations[0].Expression = "request.operation"
	}, created},
	{"a message that asks for rights", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.Validations[0].MessageExpression = "authorizer.path('/').check('get').allowed() ? 'a' : 'b'"
	}, created},
	{"an annotation whose type is not known", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.AuditAnnotations[0].ValueExpression = "object.metadata.name"
	}, created},
	{"a function that Kubernetes 1.30 has not", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.Validations[0].Expression = "isSemver('1.0.0')"
	}, created},
	{"a field that the schema has not", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.Validations[0].Expression = "object.metadata.lables.size() == 0"
	}, typedWrong},
	{"a condition with a field that the schema has not", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.MatchConditions[0].Expression = "object.metadata.lables.size() == 0"
	}, typedWrong},
	{"a validation that allows all", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.Validations[0].Expression = "true"
	}, answered},
	{"a validation that costs too much", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		many := "[0" + strings.Repeat(",0", 99) + "]"
		spec.Validations[0].Expression = fmt.Sprintf("%s.all(a, %s.all(b, %s.all(c, a == b && b == c)))", many, many, many)
	}, answered},
	{"namespaces that are left out", func(spec *admissionv1.ValidatingAdmissionPolicySpec, _ *set) {
		spec.MatchConstraints.NamespaceSelector.MatchLabels = map[string]string{"a": "b"}
	}, answered},
	{"a role without the verbs that are asked for", func(_ *admissionv1.ValidatingAdmissionPolicySpec, set *set) {
		set.clusterRoles = nil
	}, answered},
}

// proveFaultsAreFound puts each fault into the first policy of a set, which has to be noticed.
func proveFaultsAreFound(told *report, schemas *schemas, set *set, questions []question) {
	for _, one := range faults {
		wrong := *set
		wrong.policies = append([]*admissionv1.ValidatingAdmissionPolicy{}, set.policies...)
		wrong.policies[0] = set.policies[0].DeepCopy()
		one.change(&wrong.policies[0].Spec, &wrong)
		var missed []string
		if !one.found(schemas, &wrong, questions) {
			missed = append(missed, "it was not noticed")
		}
		told.add("noticed: "+one.name, missed)
	}
}
