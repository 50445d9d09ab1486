package weir;

import com.alibaba.nacos.core.code.ControllerMethodsCache;
import com.alibaba.nacos.sys.filter.NacosTypeExcludeFilter;
import javax.annotation.PostConstruct;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.AutoConfigurationExcludeFilter;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.TypeExcludeFilter;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.ComponentScan.Filter;
import org.springframework.context.annotation.FilterType;
import org.springframework.scheduling.annotation.EnableScheduling;

/** A Nacos server without its console: what {@code nacos-console} does to start one, and no more. */
@SpringBootApplication
@ComponentScan(
    basePackages = "com.alibaba.nacos",
    excludeFilters = {
      @Filter(type = FilterType.CUSTOM, classes = NacosTypeExcludeFilter.class),
      @Filter(type = FilterType.CUSTOM, classes = TypeExcludeFilter.class),
      @Filter(type = FilterType.CUSTOM, classes = AutoConfigurationExcludeFilter.class)
    })
@ServletComponentScan("com.alibaba.nacos")
// Without it a new user never becomes visible.
@EnableScheduling
public class Server {
  private final ControllerMethodsCache methods;

  public Server(ControllerMethodsCache methods) {
    this.methods = methods;
  }

  public static void main(String[] args) {
    SpringApplication.run(Server.class, args);
  }

  /** The filters ask this cache which method a request is for; without it the HTTP API answers 501. */
  @PostConstruct
  void learnMethods() {
    methods.initClassMethod("com.alibaba.nacos.core.controller");
    methods.initClassMethod("com.alibaba.nacos.naming.controllers");
    methods.initClassMethod("com.alibaba.nacos.config.server.controller");
  }
}
