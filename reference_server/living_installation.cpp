#include "living_installation.hpp"

#include <bsp/base/encoding.hpp>

#include <spdlog/spdlog.h>

namespace bsp::server {

living_installation::look living_installation::look_now() const { return {keys_->stamp("identity.key"), keys_->stamp("rotation.json")}; }

living_installation::living_installation(std::filesystem::path dir, std::string const& type)
    : dir_{std::move(dir)}, keys_{open_key_store(dir_)}, current_{std::make_shared<installation const>(open_installation(dir_, type))} {
    seen_ = look_now();
}

std::shared_ptr<installation const> living_installation::current() {
    std::lock_guard const lock{mutex_};
    look const now = look_now();
    if (now == seen_) return current_;
    seen_ = now;
    try {
        auto again = std::make_shared<installation const>(open_installation(dir_, ""));
        if (again->key.public_key() != current_->key.public_key()) spdlog::info("the key is another one: {}", to_hex(again->key.public_key().sha256()));
        current_ = std::move(again);
        seen_ = look_now();  // reading may have finished what a command began
    } catch (std::exception const& why) {
        spdlog::error("the key stays as it was: {}", why.what());
    }
    return current_;
}

void living_installation::finish_rotation() {
    std::lock_guard const lock{mutex_};
    if (!current_->rotation) return;
    end_rotation(dir_);
    installation finished = *current_;
    finished.rotation.reset();
    current_ = std::make_shared<installation const>(std::move(finished));
    seen_ = look_now();
    spdlog::info("the replaced key is destroyed");
}

}  // namespace bsp::server
