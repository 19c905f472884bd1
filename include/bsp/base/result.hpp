#pragma once

#include <bsp/base/error.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <stdexcept>

namespace bsp {

/// Thrown only by `result::value()` on a refusal, that is by callers who chose not to look.
struct refused : std::runtime_error {
    explicit refused(error e) : std::runtime_error{std::string{row_of(e.code).code} + ": " + e.detail}, what_failed{std::move(e)} {}
    error what_failed;
};

[[noreturn]] inline void throw_exception_from_error(error const& e, boost::source_location const&) { throw refused{e}; }

/// Either a `T` or the reason why not. Derived because Boost 1.81's result is not [[nodiscard]].
template <class T = void>
class [[nodiscard]] result : public boost::system::result<T, error> {
public:
    using boost::system::result<T, error>::result;
};

/// Success of an operation that yields nothing.
inline result<> ok() { return {}; }

}  // namespace bsp

#define BSP_CONCAT_(a, b) a##b
#define BSP_CONCAT(a, b) BSP_CONCAT_(a, b)

/// `BSP_TRY(auto x, f());` binds the value or returns the error to the caller.
#define BSP_TRY(declaration, ...) BSP_TRY_(BSP_CONCAT(bsp_try_, __LINE__), declaration, __VA_ARGS__)
#define BSP_TRY_(temporary, declaration, ...)             \
    auto temporary = (__VA_ARGS__);                       \
    if (!temporary) return ::std::move(temporary).error(); \
    declaration = *::std::move(temporary)

/// `BSP_CHECK(f());` returns the error of an operation whose value is not wanted.
#define BSP_CHECK(...)                                                     \
    do {                                                                   \
        if (auto bsp_check_ = (__VA_ARGS__); !bsp_check_) return ::std::move(bsp_check_).error(); \
    } while (false)
