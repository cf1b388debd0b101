package main

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/util/compatibility"
)

// mostOfAnnotation is how long an expression of an annotation may be, in bytes.
const mostOfAnnotation = 5 * 1024

// target is a server that has to take the policies.
type target struct {
	name string
	// known is the version whose expressions it takes in new policies: those that the version before it knows too,
	// as a server may be rolled back.
	known *version.Version
}

// targets are the oldest version that the chart takes, and the one that this is built of.
var targets = []target{
	{"Kubernetes 1.30", version.MajorMinor(1, 29)},
	{"Kubernetes " + built.BinaryVersion().String(), built.MinCompatibilityVersion()},
}

var built = compatibility.DefaultBuildEffectiveVersion()

// proveExpressions compiles the policies of a set, and holds them against schemas.
func proveExpressions(told *report, schemas *schemas, number int, set *set) {
	for _, policy := range set.policies {
		for _, one := range targets {
			told.add(fmt.Sprintf("%s creates %s of set %d", one.name, policy.Name, number), refusals(policy, one.known))
		}
		told.add(fmt.Sprintf("types fit in %s of set %d", policy.Name, number), schemas.warnings(policy))
	}
}

// refusals is why a server would not create a policy. Each expression is compiled with what may stand in it: those
// that come first know no variables, and messages cannot ask for rights.
func refusals(policy *admissionv1.ValidatingAdmissionPolicy, known *version.Version) []string {
	base := environment.MustBaseEnvSet(known)
	composed, err := plugincel.NewCompositedCompiler(base)
	if err != nil {
		return []string{err.Error()}
	}
	alone := plugincel.NewCompiler(base)
	hasParams := policy.Spec.ParamKind != nil
	full := plugincel.OptionalVariableDeclarations{HasParams: hasParams, HasAuthorizer: true}
	message := plugincel.OptionalVariableDeclarations{HasParams: hasParams}
	var wrong []string
	say := func(place string, number int, result plugincel.CompilationResult) {
		if result.Error != nil {
			wrong = append(wrong, fmt.Sprintf("%s[%d]: %s", place, number, result.Error))
		}
	}
	name := func(place string, number int, name string) {
		for _, text := range validation.IsQualifiedName(name) {
			wrong = append(wrong, fmt.Sprintf("%s[%d]: %s", place, number, text))
		}
	}
	for number := range policy.Spec.MatchConditions {
		one := (*matchconditions.MatchCondition)(&policy.Spec.MatchConditions[number])
		name("matchConditions", number, one.Name)
		say("matchConditions", number, alone.CompileCELExpression(one, full, environment.NewExpressions))
	}
	for number, one := range policy.Spec.Variables {
		variable := &validating.Variable{Name: one.Name, Expression: one.Expression}
		say("variables", number, composed.CompileAndStoreVariable(variable, full, environment.NewExpressions))
	}
	for number, one := range policy.Spec.Validations {
		condition := &validating.ValidationCondition{Expression: one.Expression}
		say("validations", number, composed.CompileCELExpression(condition, full, environment.NewExpressions))
		if one.MessageExpression != "" {
			text := &validating.MessageExpressionCondition{MessageExpression: one.MessageExpression}
			say("messages", number, composed.CompileCELExpression(text, message, environment.NewExpressions))
		}
		if strings.ContainsAny(strings.TrimSpace(one.Message), "\r\n") {
			wrong = append(wrong, fmt.Sprintf("validations[%d]: a message of several lines", number))
		}
	}
	for number, one := range policy.Spec.AuditAnnotations {
		name("auditAnnotations", number, policy.Name+"/"+one.Key)
		if length := len(one.ValueExpression); length > mostOfAnnotation {
			wrong = append(wrong, fmt.Sprintf("auditAnnotations[%d]: %d bytes", number, length))
		}
		value := &validating.AuditAnnotationCondition{Key: one.Key, ValueExpression: one.ValueExpression}
		say("auditAnnotations", number, composed.CompileCELExpression(value, full, environment.NewExpressions))
	}
	return wrong
}
