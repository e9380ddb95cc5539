// `feedbackd`: the feedback service in a process of its own.
#include "libs/app/service_process.h"
#include "services/feedback/module.h"

int main(int argc, char** argv) {
  return dinh::app::RunService(argc, argv, "feedbackd", "Đình: dịch vụ phản ánh",
                               [] { return dinh::feedback::MakeFeedbackModule(); });
}
