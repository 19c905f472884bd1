#pragma once

#include <bsp/base/http.hpp>
#include <bsp/endpoint/all.hpp>
#include <bsp/endpoint/backend.hpp>
#include <bsp/endpoint/request.hpp>

#include <concepts>
#include <optional>
#include <string_view>

namespace bsp::endpoint {

/// An endpoint: where it is found, who may call it, and what it does for a caller who is proven to be that.
/// Only `caller::authenticate` makes a `caller`, and only through a caller is the store reached, so that an
/// endpoint which forgets to check its caller does not compile.
/// Models: the structs listed in all.hpp.
template <class T>
concept endpoint = requires(gatekeeper const& gate, backend const& here, typename T::caller const& who, request const& r) {
    { T::at } -> std::convertible_to<route>;
    { T::caller::authenticate(gate, r) } -> std::same_as<result<typename T::caller>>;
    { T::caller::challenge } -> std::convertible_to<std::string_view>;
    { T::serve(here, who, r) } -> std::same_as<result<http_response>>;
} && !std::default_initializable<typename T::caller>;

/// An endpoint as dispatch sees it.
struct table_row {
    std::string_view name;
    route at;
    std::string_view challenge;      ///< WWW-Authenticate of a refusal with 401; "" when nobody is asked
    std::string_view cache_control;  ///< of a success
    std::optional<audit_type> refusal;  ///< as what a refusal is audited, if it is
    bool opens_streams;              ///< whether an upgrade to WebSocket can succeed here
    result<http_response> (*run)(gatekeeper const&, request const&);
};

template <endpoint T>
constexpr table_row row(std::string_view name) {
    std::string_view cache_control = "no-store";  // BSP-GEN-105
    if constexpr (requires { T::may_be_revalidated; }) cache_control = "no-cache";
    constexpr bool opens_streams = requires { T::opens_streams; };
    std::optional<audit_type> refusal;
    if constexpr (requires { T::refused; }) refusal = T::refused;
    return {name, T::at, T::caller::challenge, cache_control, refusal, opens_streams, [](gatekeeper const& gate, request const& r) -> result<http_response> {
                BSP_TRY(auto const who, T::caller::authenticate(gate, r));
                return T::serve(gate, who, r);
            }};
}

inline constexpr table_row table[] = {
#define BSP_X(name) row<name>(#name),
    BSP_ENDPOINTS(BSP_X)
#undef BSP_X
};

}  // namespace bsp::endpoint
