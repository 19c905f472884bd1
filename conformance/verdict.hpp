#pragma once

#include <cstdint>
#include <string_view>

namespace bsp::conformance {

/// What came of a check, or of a clause. Only `pass` is green.
#define BSP_VERDICTS(X)                                                              \
    X(pass, "PASS")                    /* proved by positive evidence */             \
    X(fail, "FAIL")                    /* the target does otherwise */               \
    X(inconclusive, "INCONCLUSIVE")    /* a precondition or control did not hold */  \
    X(not_applicable, "NOT-APPLICABLE")/* says nothing about such a target */        \
    X(untested, "UNTESTED")            /* something needed for it was not given */   \
    X(harness_error, "HARNESS-ERROR")  /* the suite's own fault */

enum class verdict : std::uint8_t {
#define BSP_X(name, text) name,
    BSP_VERDICTS(BSP_X)
#undef BSP_X
};

constexpr std::string_view to_string(verdict v) noexcept {
    switch (v) {
#define BSP_X(name, text) case verdict::name: return text;
        BSP_VERDICTS(BSP_X)
#undef BSP_X
    }
    return "?";
}

/// How much of the protocol is demanded: `compatible` judges behaviour, `strict` exactness as well.
enum class level : std::uint8_t { compatible, strict };

}  // namespace bsp::conformance
