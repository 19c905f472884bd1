#include "record.hpp"

namespace bsp::conformance {

void record::close() {
    if (exactness_judged > 0) exactness = inexact.empty() ? verdict::pass : verdict::fail;
    if (failure) behaviour = verdict::fail;
    else if (what->about == aspect::exactness && exactness == verdict::fail) behaviour = verdict::pass;  // only form is in question
    else if (controls.empty()) {
        behaviour = verdict::inconclusive;
        if (reason.empty()) reason = "nothing that the target did shows that it works at all, so no refusal proves anything";
        if (exactness == verdict::pass) exactness.reset();
    } else {
        behaviour = verdict::pass;
    }
    if (!failure && inexact.empty()) seals.clear();  // nobody sends it again
}

}  // namespace bsp::conformance
